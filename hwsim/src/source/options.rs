//! What can be chosen about a `sim:` source.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

use crate::hardware::{self, DEVICES, Hardware, Loss, MOST_QUEUES};
use crate::scenario::{self, SCENARIOS, Scenario};
use crate::world::LONGEST;

/// A scenario, how much of it, and the device that captures it.
#[derive(Clone, Debug)]
pub struct Options {
    /// What happens on the link.
    pub scenario: &'static Scenario,
    /// The number that everything follows from.
    pub seed: u64,
    /// How many connections arrive.
    pub connections: Option<u64>,
    /// Seconds of simulated time.
    pub duration: Option<f64>,
    /// Frames after which it ends.
    pub packets: Option<u64>,
    /// What captures it, before the choices below: the scenario's device, unless another was chosen.
    pub device: &'static Hardware,
    /// Queues of each port, where not the device's.
    pub queues: Option<u16>,
    /// Loss, where not the device's.
    pub loss: Option<Loss>,
    /// Bytes of a frame that are kept, where not the scenario's.
    pub snaplen: Option<u32>,
    /// Where the truth is written, a row a connection.
    pub truth: Option<PathBuf>,
}

/// A `sim:` source that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OptionsError {
    /// There is no such scenario.
    #[error("sim: there is no scenario '{name}'; there are: {existing}")]
    NoScenario {
        /// What was given.
        name: String,
        /// What there is.
        existing: String,
    },
    /// There is no such device.
    #[error("device={name}: there is no such device; there are: {existing}")]
    NoDevice {
        /// What was given.
        name: String,
        /// What there is.
        existing: String,
    },
    /// There is no such option.
    #[error("sim has no option '{0}'; it has {NAMES}")]
    UnknownOption(String),
    /// A value that an option does not take.
    #[error("{option}={value}: {expected}")]
    BadValue {
        /// The option.
        option: &'static str,
        /// What was given.
        value: String,
        /// What it takes.
        expected: &'static str,
    },
}

/// The options, for the message.
const NAMES: &str = "seed, connections, duration, packets, device, queues, loss, unreported, snaplen, truth";

/// Bytes of a frame that a capture may keep: what libpcap takes for the most.
const MOST_SNAPLEN: u32 = 262_144;

impl Options {
    /// A scenario with the defaults.
    #[must_use]
    pub fn new(scenario: &'static Scenario) -> Self {
        Self {
            scenario,
            seed: 1,
            connections: None,
            duration: None,
            packets: None,
            device: scenario.device,
            queues: None,
            loss: None,
            snaplen: None,
            truth: None,
        }
    }

    /// The device, with what was chosen about it.
    #[must_use]
    pub fn hardware(&self) -> Hardware {
        Hardware {
            queues: self.queues.unwrap_or(self.device.queues),
            loss: self.loss.unwrap_or(self.device.loss),
            snaplen: self.snaplen.unwrap_or(self.scenario.snaplen).min(self.device.snaplen),
            ..*self.device
        }
    }

    fn set(&mut self, option: &str, value: &str) -> Result<(), OptionsError> {
        match option {
            "seed" => self.seed = number("seed", value, 0..=u64::MAX)?,
            "connections" => self.connections = Some(number("connections", value, 0..=u64::MAX)?),
            "packets" => self.packets = Some(number("packets", value, 0..=u64::MAX)?),
            "duration" => self.duration = Some(seconds(value)?),
            "device" => self.device = device(value)?,
            "queues" => self.queues = Some(number("queues", value, 1..=u64::from(MOST_QUEUES))? as u16),
            "loss" => self.loss = Some(Loss { share: share("loss", value)?, is_reported: true }),
            "unreported" => self.loss = Some(Loss { share: share("unreported", value)?, is_reported: false }),
            "snaplen" => self.snaplen = Some(number("snaplen", value, 1..=u64::from(MOST_SNAPLEN))? as u32),
            "truth" if !value.is_empty() => self.truth = Some(PathBuf::from(value)),
            "truth" => return Err(bad("truth", value, "the name of a file to write")),
            _ => return Err(OptionsError::UnknownOption(option.to_owned())),
        }
        Ok(())
    }
}

fn bad(option: &'static str, value: &str, expected: &'static str) -> OptionsError {
    OptionsError::BadValue { option, value: value.to_owned(), expected }
}

fn number(option: &'static str, value: &str, range: std::ops::RangeInclusive<u64>) -> Result<u64, OptionsError> {
    let expected = match option {
        "queues" => "a number from 1 to 64",
        "snaplen" => "bytes from 1 to 262144",
        _ => "a whole number",
    };
    value.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| bad(option, value, expected))
}

fn seconds(value: &str) -> Result<f64, OptionsError> {
    let seconds = value.parse().ok().filter(|seconds| *seconds > 0.0 && *seconds <= LONGEST);
    seconds.ok_or_else(|| bad("duration", value, "a number of seconds above 0 and up to 2000000000"))
}

fn share(option: &'static str, value: &str) -> Result<f64, OptionsError> {
    let share = value.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| bad(option, value, "a share of the frames from 0 to 1, such as 0.01"))
}

fn device(name: &str) -> Result<&'static Hardware, OptionsError> {
    let existing = || DEVICES.iter().map(|device| device.name).collect::<Vec<_>>().join(", ");
    hardware::find(name).ok_or_else(|| OptionsError::NoDevice { name: name.to_owned(), existing: existing() })
}

impl FromStr for Options {
    type Err = OptionsError;

    fn from_str(text: &str) -> Result<Self, OptionsError> {
        let mut parts = text.split(',');
        let name = parts.next().unwrap_or_default();
        let existing = || SCENARIOS.iter().map(|scenario| scenario.name).collect::<Vec<_>>().join(", ");
        let no_scenario = || OptionsError::NoScenario { name: name.to_owned(), existing: existing() };
        let mut options = Self::new(scenario::find(name).ok_or_else(no_scenario)?);
        for part in parts {
            let (option, value) = part.split_once('=').unwrap_or((part, ""));
            options.set(option, value)?;
        }
        Ok(options)
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},seed={},device={}", self.scenario.name, self.seed, self.device.name)?;
        let loss = self
            .loss
            .map(|Loss { share, is_reported }| (if is_reported { "loss" } else { "unreported" }, share.to_string()));
        let chosen = [
            self.connections.map(|connections| ("connections", connections.to_string())),
            self.duration.map(|duration| ("duration", duration.to_string())),
            self.packets.map(|packets| ("packets", packets.to_string())),
            self.queues.map(|queues| ("queues", queues.to_string())),
            loss,
            self.snaplen.map(|snaplen| ("snaplen", snaplen.to_string())),
            self.truth.as_ref().map(|truth| ("truth", truth.display().to_string())),
        ];
        chosen.into_iter().flatten().try_for_each(|(option, value)| write!(f, ",{option}={value}"))
    }
}

/// Two sources are the same when they give the same frames and write the same truth, which their text says.
impl PartialEq for Options {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Options {}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        text.parse::<Options>().unwrap_err().to_string()
    }

    #[test]
    fn every_option_is_read_and_printed_back() {
        for text in [
            "uplink-small",
            "uplink-lossy,seed=7,connections=100,duration=2.5,packets=9,queues=4,loss=0.01,snaplen=60,truth=a:b.csv",
            "elephants,device=two-taps,unreported=0.5",
        ] {
            let options: Options = text.parse().unwrap();
            let again: Options = options.to_string().parse().unwrap();
            assert_eq!(again, options, "{text}");
            assert!(text.split(',').all(|part| options.to_string().contains(part)), "{text}: {options}");
        }
    }

    #[test]
    fn options_lie_over_those_of_the_device_and_the_scenario() {
        let plain: Options = "uplink-small,device=nic".parse().unwrap();
        assert_eq!((plain.hardware().queues, plain.hardware().snaplen), (4, plain.scenario.snaplen));
        let chosen: Options = "uplink-small,device=nic,queues=2,snaplen=61,unreported=0.5".parse().unwrap();
        let Hardware { queues, snaplen, loss, .. } = chosen.hardware();
        assert_eq!((queues, snaplen, loss), (2, 61, Loss { share: 0.5, is_reported: false }));
    }

    #[test]
    fn a_refusal_says_what_there_is() {
        assert!(refusal("nonsense").contains("uplink-small, uplink-lossy"));
        assert!(refusal("").contains("uplink-small"));
        assert!(refusal("uplink-small,device=x").contains("two-taps"));
        assert!(refusal("uplink-small,sede=1").contains("seed, connections"));
        assert!(refusal("uplink-small,seed=x").contains("whole number"));
        assert!(refusal("uplink-small,queues=0").contains("1 to 64"));
        assert!(refusal("uplink-small,queues=65").contains("1 to 64"));
        assert!(refusal("uplink-small,snaplen=0").contains("262144"));
        for duration in ["0", "-1", "NaN", "inf", "x"] {
            assert!(refusal(&format!("uplink-small,duration={duration}")).contains("above 0"));
        }
        for share in ["-0.1", "1.1", "NaN", ""] {
            assert!(refusal(&format!("uplink-small,loss={share}")).contains("from 0 to 1"));
        }
        assert!(refusal("uplink-small,truth").contains("file to write"));
    }
}
