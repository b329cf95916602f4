//! With the feature `dpdk`: compiles the C side of the DPDK source against the system's libdpdk, and links what it calls.

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "dpdk")]
    dpdk::build()?;
    Ok(())
}

#[cfg(feature = "dpdk")]
mod dpdk {
    use std::process::Command;

    /// The libraries that the shim calls. Drivers are loaded when the program runs, as the system has them installed.
    const LIBRARIES: [&str; 4] = ["rte_ethdev", "rte_mbuf", "rte_mempool", "rte_eal"];

    /// What the shim calls is as it is since this long-term release.
    const OLDEST: &str = "21.11";

    pub(super) fn build() -> Result<(), String> {
        let shim = ["src/dpdk/shim.c", "src/dpdk/shim.h"];
        shim.iter().for_each(|file| println!("cargo::rerun-if-changed={file}"));
        println!("cargo::rerun-if-env-changed=PKG_CONFIG_PATH");
        let mut build = cc::Build::new();
        for flag in ask(&["--cflags", &format!("libdpdk >= {OLDEST}")])?.split_whitespace() {
            build.flag(flag);
        }
        build.file(shim[0]).std("gnu11").warnings(true).extra_warnings(true).compile("conntrack_dpdk_shim");
        for directory in ask(&["--libs-only-L", "libdpdk"])?.split_whitespace() {
            println!("cargo::rustc-link-search=native={}", directory.trim_start_matches("-L"));
        }
        LIBRARIES.iter().for_each(|library| println!("cargo::rustc-link-lib={library}"));
        Ok(())
    }

    /// What pkg-config says.
    fn ask(arguments: &[&str]) -> Result<String, String> {
        let said = Command::new("pkg-config").args(arguments).output();
        let why = match said {
            Ok(said) if said.status.success() => return Ok(String::from_utf8_lossy(&said.stdout).into_owned()),
            Ok(said) => String::from_utf8_lossy(&said.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        Err(format!(
            "the feature dpdk needs libdpdk {OLDEST} or later with its headers ('scripts/packages.sh build dpdk'): {why}"
        ))
    }
}
