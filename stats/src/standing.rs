//! Up to when the figures of a campaign reach that is still being written, or was interrupted.

use std::ops::ControlFlow;

use recorder::{Campaign, State, Table};
use serde::Serialize;

use crate::ReportError;
use crate::cell::Column;
use crate::input::{Skipped, each_batch};
use crate::summary::Instant;
use crate::text::instant;

/// The state of a recording whose tap is gone without having ended it.
const DEAD: &str = "dead";

/// Where a recording stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// running, sealing, complete or interrupted; dead where it says that it is running, and nobody records it.
    pub state: &'static str,
    /// The newest bin of the base series, or the newest packet; nothing of a campaign that was recorded to its end.
    pub up_to: Option<Instant>,
    /// Parts of the campaign that could not be read: the figures lack what they hold.
    pub unreadable: u64,
}

impl Standing {
    /// Of a campaign. What cannot be read is told of by the report itself.
    ///
    /// # Errors
    /// [`ReportError`] for a campaign of a make that cannot be taken apart.
    pub fn of(campaign: &Campaign) -> Result<Self, ReportError> {
        let manifest = campaign.manifest();
        let is_dead =
            manifest.state == State::Running && recorder::is_being_recorded(campaign.root()).is_ok_and(|is| !is);
        let state = if is_dead { DEAD } else { manifest.state.as_str() };
        if matches!(manifest.state, State::Complete | State::Sealing) {
            return Ok(Self { state, up_to: None, unreadable: 0 });
        }
        let mut newest = manifest.packets.end.map(|end| end.0);
        each_batch(campaign, Table::Intervals, &["ts"], &mut Skipped::quiet(), &mut |batch| {
            let ts = Column::require(batch, Table::Intervals, "ts")?;
            newest = (0..batch.num_rows()).filter_map(|row| ts.cell(row).instant()).max().max(newest);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Self { state, up_to: newest.map(Instant), unreadable: 0 })
    }

    /// The same of a campaign of which so many parts could not be read.
    #[must_use]
    pub const fn lacking(self, unreadable: u64) -> Self {
        Self { unreadable, ..self }
    }

    /// What a reader of a report must know first, in sentences.
    pub fn sentences(&self) -> impl Iterator<Item = String> {
        let parts = if self.unreadable == 1 { "part" } else { "parts" };
        let lacking = (self.unreadable > 0).then(|| {
            format!(
                "{} {parts} of the campaign could not be read: every figure may be too low; conntrack-report verify says which.",
                self.unreadable
            )
        });
        self.sentence().into_iter().chain(lacking)
    }

    /// A sentence about it; nothing of a campaign that was recorded to its end.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        let up_to = self.up_to.map_or(String::new(), |Instant(nanos)| format!(", up to {} UTC", instant(nanos, 3)));
        match self.state {
            "running" => Some(format!(
                "The recording goes on: the figures are those acknowledged so far{up_to}. Connections that are still open are not among \
                 them, which makes lengths too short."
            )),
            DEAD => Some(format!(
                "The tap died, and nobody has recovered the recording yet (conntrack-tap recover does): the figures are those \
                 acknowledged so far{up_to}. Connections that were still open then are not among them, which makes lengths too short."
            )),
            "interrupted" => Some(format!(
                "The recording was interrupted: the figures end where it did{up_to}. Connections that a crash found open \
                 are not among them, which makes lengths too short."
            )),
            _ => None,
        }
    }
}
