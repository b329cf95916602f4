//! The file that holds the secret.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::prefix::{KEY_BYTES, PrefixCipher};

/// A key file that cannot be used. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read.
    #[error("cannot read the key {}: {source}; make one with: (umask 077; openssl rand -hex 32 > {})", path.display(), path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others may read it, and undo what it protects.
    #[error("the key {} can be read by others, who could undo the anonymisation with it: chmod 600 {}", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// It holds something else.
    #[error("the key {} must hold {} hexadecimal digits and nothing else", path.display(), KEY_BYTES * 2)]
    Malformed {
        /// The file.
        path: PathBuf,
    },
}

/// Reads a key: 64 hexadecimal digits, with white space around them.
///
/// # Errors
/// When the file cannot be read, others can read it too, or it holds something else.
pub fn read(path: &Path) -> Result<PrefixCipher, KeyError> {
    let unreadable = |source| KeyError::Unreadable { path: path.to_owned(), source };
    let text = fs::read_to_string(path).map_err(unreadable)?;
    if fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o077 != 0 {
        return Err(KeyError::Exposed { path: path.to_owned() });
    }
    let key = from_hex(text.trim()).ok_or_else(|| KeyError::Malformed { path: path.to_owned() })?;
    Ok(PrefixCipher::new(&key))
}

fn from_hex(text: &str) -> Option<[u8; KEY_BYTES]> {
    let digits: Option<Vec<u8>> = text.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect();
    let bytes: Vec<u8> = digits?.chunks(2).map(|pair| (pair[0] << 4) | pair.get(1).unwrap_or(&0)).collect();
    (text.len() == KEY_BYTES * 2).then(|| bytes.try_into().ok())?
}

/// What a campaign says of its key: whether another has the same one, and nothing else.
#[must_use]
pub fn fingerprint(cipher: &PrefixCipher) -> String {
    cipher.derive(b"conntrack-finger").iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(directory: &Path, text: &str, mode: u32) -> PathBuf {
        let path = directory.join("key");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_key_of_64_digits_is_read_and_told_from_another() {
        let room = tempfile::tempdir().unwrap();
        let digits = "0123456789abcdef0123456789ABCDEF".repeat(2);
        let one = read(&file(room.path(), &format!("{digits}\n"), 0o600)).unwrap();
        let other = read(&file(room.path(), &digits.replace('0', "1"), 0o400)).unwrap();
        assert_ne!(fingerprint(&one), fingerprint(&other));
        assert_ne!(one.map([192, 0, 2, 1]), other.map([192, 0, 2, 1]));
    }

    #[test]
    fn what_is_no_key_is_refused_with_what_to_do() {
        let room = tempfile::tempdir().unwrap();
        let refusal = |path: &Path| read(path).err().unwrap().to_string();
        assert!(refusal(&room.path().join("none")).contains("openssl rand -hex 32"));
        assert!(refusal(&file(room.path(), &"0".repeat(64), 0o644)).contains("chmod 600"));
        for text in ["", "0123", &"g".repeat(64), &"0".repeat(63), &"0".repeat(65), &"é".repeat(32)] {
            assert!(refusal(&file(room.path(), text, 0o600)).contains("64 hexadecimal digits"), "{text}");
        }
    }
}
