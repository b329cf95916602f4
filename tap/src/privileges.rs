//! What the process may do once its sources are open: little.
//!
//! Opening a device takes `CAP_NET_RAW`, and for AF_XDP `CAP_NET_ADMIN` and `CAP_BPF`; reading from it takes nothing. So the tap opens first
//! and then gives up what it no longer needs, before a single byte from the link is parsed (capabilities(7), credentials(7)).

use std::fs;
use std::io;
use std::str::FromStr;

use rustix::io::Errno;
use rustix::process::{Gid, Uid, getuid};
use rustix::thread::{self, CapabilitySet, CapabilitySets};

/// What root keeps without a user to become: its way into directories that belong to others, where campaigns may lie.
const OF_ROOT: CapabilitySet = CapabilitySet::DAC_OVERRIDE.union(CapabilitySet::FOWNER);

/// The system's list of users, passwd(5).
const PASSWD: &str = "/etc/passwd";

/// The system's list of groups, group(5).
const GROUP: &str = "/etc/group";

/// A user to go on as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
}

/// Why a user cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The name is unknown here.
    #[error("there is no user {0:?} in /etc/passwd; name one of those, or give numbers as UID:GID")]
    Unknown(String),
    /// The system's lists cannot be read.
    #[error("cannot look up the user {0:?}: {1}")]
    Unreadable(String, io::Error),
}

/// Why privileges could not be given up.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    /// The process may not become somebody else.
    #[error("cannot go on as user {0}: {1}; only root may, start as root or leave the user out")]
    User(u32, Errno),
    /// The kernel refuses.
    #[error("cannot give up privileges: {0}")]
    Capabilities(Errno),
}

impl FromStr for User {
    type Err = UserError;

    /// A name out of /etc/passwd, or `UID:GID`.
    fn from_str(text: &str) -> Result<Self, UserError> {
        let numbers = text.split_once(':').and_then(|(uid, gid)| Some((uid.parse().ok()?, gid.parse().ok()?)));
        if let Some((uid, gid)) = numbers {
            return Ok(Self { uid, gid, groups: vec![gid] });
        }
        let list = |path: &str| fs::read_to_string(path).map_err(|error| UserError::Unreadable(text.to_owned(), error));
        Self::look_up(text, &list(PASSWD)?, &list(GROUP)?).ok_or_else(|| UserError::Unknown(text.to_owned()))
    }
}

impl User {
    /// The user called `name` in the texts of passwd(5) and group(5), with every group that lists it.
    fn look_up(name: &str, passwd: &str, group: &str) -> Option<Self> {
        let mut fields = passwd
            .lines()
            .map(|line| line.split(':'))
            .find_map(|mut fields| (fields.next()? == name).then_some(fields))?;
        let _password = fields.next()?;
        let (uid, gid) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        let lists_it = |line: &str| {
            let mut fields = line.split(':');
            let id: u32 = fields.nth(2)?.parse().ok()?;
            fields.next()?.split(',').any(|member| member == name).then_some(id)
        };
        let others = group.lines().filter_map(lists_it).filter(|&id| id != gid);
        Some(Self { uid, gid, groups: std::iter::once(gid).chain(others).collect() })
    }

    /// Turns the calling thread, and those it starts, into this user. Leaving root takes every capability away.
    fn become_it(&self) -> Result<(), PrivilegeError> {
        let groups: Vec<Gid> = self.groups.iter().map(|&id| Gid::from_raw(id)).collect();
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        thread::set_thread_groups(&groups)
            .and_then(|()| thread::set_thread_res_gid(gid, gid, gid))
            .and_then(|()| thread::set_thread_res_uid(uid, uid, uid))
            .map_err(|errno| PrivilegeError::User(self.uid, errno))
    }
}

/// Gives up what the calling thread, and those that it starts, need no more: with a user to become all of it, else all but root's way
/// into the directories of others. Call it before any other thread starts: Linux keeps privileges by thread.
///
/// # Errors
/// When the process may not become `user`, or the kernel refuses.
pub fn give_up(user: Option<&User>) -> Result<(), PrivilegeError> {
    thread::set_no_new_privs(true).map_err(PrivilegeError::Capabilities)?;
    if let Some(user) = user {
        user.become_it()?;
    }
    let kept = if getuid().is_root() { OF_ROOT } else { CapabilitySet::empty() };
    let held = thread::capabilities(None).map_err(PrivilegeError::Capabilities)?;
    let left = held.permitted & kept;
    let sets = CapabilitySets { effective: left, permitted: left, inheritable: CapabilitySet::empty() };
    thread::set_capabilities(None, sets).map_err(PrivilegeError::Capabilities)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/sh\ntap:x:990:980::/var/lib/tap:/usr/sbin/nologin\nbroken:x:y:0::/:/\n";
    const GROUP: &str = "root:x:0:\ndisk:x:6:backup,tap\nother:x:7:tape\ntap:x:980:tap\n";

    #[test]
    fn a_user_has_the_groups_that_list_it() {
        let user = User::look_up("tap", PASSWD, GROUP);
        assert_eq!(user, Some(User { uid: 990, gid: 980, groups: vec![980, 6] }));
    }

    #[test]
    fn who_is_not_there_is_not_made_up() {
        for name in ["ta", "tape", "", "broken", "tap:x"] {
            assert_eq!(User::look_up(name, PASSWD, GROUP), None, "{name}");
        }
        let message = "no-such-user-here".parse::<User>().unwrap_err().to_string();
        assert!(message.contains("UID:GID"), "{message}");
    }

    #[test]
    fn numbers_need_no_list() {
        assert_eq!("65534:65533".parse::<User>().ok(), Some(User { uid: 65534, gid: 65533, groups: vec![65533] }));
        assert!("65534".parse::<User>().is_err(), "a user's number does not tell its group");
    }
}
