//! What ports are registered for.

/// TCP's services as IANA registers them (service-names-port-numbers), those that one meets; ascending.
const SERVICES: [(u16, &str); 99] = [
    (7, "echo"),
    (9, "discard"),
    (13, "daytime"),
    (19, "chargen"),
    (20, "ftp-data"),
    (21, "ftp"),
    (22, "ssh"),
    (23, "telnet"),
    (25, "smtp"),
    (37, "time"),
    (43, "nicname"),
    (49, "tacacs"),
    (53, "domain"),
    (70, "gopher"),
    (79, "finger"),
    (80, "http"),
    (88, "kerberos"),
    (102, "iso-tsap"),
    (109, "pop2"),
    (110, "pop3"),
    (111, "sunrpc"),
    (113, "ident"),
    (119, "nntp"),
    (135, "epmap"),
    (137, "netbios-ns"),
    (139, "netbios-ssn"),
    (143, "imap"),
    (161, "snmp"),
    (179, "bgp"),
    (194, "irc"),
    (389, "ldap"),
    (427, "svrloc"),
    (443, "https"),
    (445, "microsoft-ds"),
    (464, "kpasswd"),
    (465, "submissions"),
    (502, "mbap"),
    (512, "exec"),
    (513, "login"),
    (514, "shell"),
    (515, "printer"),
    (540, "uucp"),
    (548, "afpovertcp"),
    (554, "rtsp"),
    (563, "nntps"),
    (587, "submission"),
    (593, "http-rpc-epmap"),
    (631, "ipp"),
    (636, "ldaps"),
    (646, "ldp"),
    (853, "domain-s"),
    (873, "rsync"),
    (989, "ftps-data"),
    (990, "ftps"),
    (992, "telnets"),
    (993, "imaps"),
    (995, "pop3s"),
    (1080, "socks"),
    (1194, "openvpn"),
    (1433, "ms-sql-s"),
    (1494, "ica"),
    (1720, "h323hostcall"),
    (1723, "pptp"),
    (1883, "mqtt"),
    (1935, "macromedia-fcs"),
    (2049, "nfs"),
    (2376, "docker-s"),
    (2379, "etcd-client"),
    (2380, "etcd-server"),
    (3260, "iscsi-target"),
    (3268, "msft-gc"),
    (3269, "msft-gc-ssl"),
    (3306, "mysql"),
    (3389, "ms-wbt-server"),
    (3478, "stun"),
    (3690, "svn"),
    (4369, "epmd"),
    (5060, "sip"),
    (5061, "sips"),
    (5222, "xmpp-client"),
    (5269, "xmpp-server"),
    (5349, "stuns"),
    (5432, "postgresql"),
    (5671, "amqps"),
    (5672, "amqp"),
    (5900, "rfb"),
    (5985, "wsman"),
    (5986, "wsmans"),
    (6000, "x11"),
    (6379, "redis"),
    (6514, "syslog-tls"),
    (6697, "ircs-u"),
    (8080, "http-alt"),
    (8443, "pcsync-https"),
    (8883, "secure-mqtt"),
    (9100, "pdl-datastream"),
    (9418, "git"),
    (11211, "memcache"),
    (27017, "mongodb"),
];

/// The registered name of a port; nothing where there is none here.
#[must_use]
pub fn name(port: u16) -> Option<&'static str> {
    let at = SERVICES.binary_search_by_key(&port, |&(port, _)| port).ok()?;
    SERVICES.get(at).map(|&(_, name)| name)
}

/// A port, and the name that it is registered for.
#[must_use]
pub fn port(port: u16) -> String {
    name(port).map_or(port.to_string(), |name| format!("{port} {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_in_order_so_that_each_is_found() {
        assert!(SERVICES.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(
            (name(443), name(444), port(22), port(4)),
            (Some("https"), None, "22 ssh".to_owned(), "4".to_owned())
        );
    }
}
