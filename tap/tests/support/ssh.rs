//! An SSH server and its client, with keys made for the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the server listens.
pub const PORT: u16 = 2222;

/// What a client must not ask about, or remember.
const NO_QUESTIONS: [&str; 4] = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"];

/// Keys and a configuration.
pub struct Ssh {
    directory: PathBuf,
    address: String,
}

impl Ssh {
    /// For a server at `address`, which lets root in.
    pub fn new(directory: &Path, address: &str) -> Self {
        let ssh = Self { directory: directory.to_owned(), address: address.to_owned() };
        for key in ["host", "user"] {
            let made =
                Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(ssh.path(key)).status();
            assert!(made.expect("ssh-keygen runs").success());
        }
        fs::create_dir_all("/run/sshd").expect("sshd's directory");
        let text = format!(
            "ListenAddress {address}:{PORT}\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nPidFile none\nPermitRootLogin yes\nUsePAM no\n",
            ssh.path("host"),
            ssh.path("user.pub")
        );
        fs::write(ssh.path("sshd.conf"), text).expect("a file");
        ssh
    }

    fn path(&self, name: &str) -> String {
        self.directory.join(name).to_str().expect("UTF-8").to_owned()
    }

    /// The server, and its arguments.
    pub fn server(&self) -> (&'static str, [String; 3]) {
        let program = if Path::new("/usr/sbin/sshd").exists() { "/usr/sbin/sshd" } else { "sshd" };
        (program, ["-D".to_owned(), "-f".to_owned(), self.path("sshd.conf")])
    }

    /// Arguments of `ssh` that have the server do `work`; `options` go before.
    pub fn client(&self, options: &[&str], work: &str) -> Vec<String> {
        let (key, port, target) = (self.path("user"), PORT.to_string(), format!("root@{}", self.address));
        let ours = ["-i", &key, "-p", &port, &target, work];
        NO_QUESTIONS.iter().chain(options).chain(&ours).map(|&argument| argument.to_owned()).collect()
    }
}
