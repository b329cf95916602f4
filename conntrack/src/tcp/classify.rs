//! What a segment is, by its flags alone.

use wire::TcpFlags;

/// The kinds of segment, in order of precedence: RST, SYN with or without ACK, FIN, ACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Aborts.
    Rst,
    /// Opens.
    Syn,
    /// Answers a SYN.
    SynAck,
    /// Ends the sender's stream.
    Fin,
    /// Data, or an acknowledgment alone.
    Ack,
    /// A set of flags without meaning.
    Bad,
}

/// Classifies a set of flags. Legal are SYN, SYN+ACK, FIN+ACK and ACK, each also with URG, and RST and RST+ACK; PSH and the ECN
/// bits are free (RFC 9293, 3.10.7; the same sets as nf_conntrack's `tcp_valid_flags`).
pub(crate) fn classify(flags: TcpFlags) -> Kind {
    const FREE: u16 = TcpFlags::PSH.0 | TcpFlags::ECE.0 | TcpFlags::CWR.0 | TcpFlags::AE.0;
    const RST: u16 = TcpFlags::RST.0;
    const RST_ACK: u16 = TcpFlags::RST.0 | TcpFlags::ACK.0;
    const SYN: u16 = TcpFlags::SYN.0;
    const SYN_ACK: u16 = TcpFlags::SYN.0 | TcpFlags::ACK.0;
    const FIN_ACK: u16 = TcpFlags::FIN.0 | TcpFlags::ACK.0;
    const ACK: u16 = TcpFlags::ACK.0;
    match flags.0 & !FREE {
        RST | RST_ACK => Kind::Rst,
        rest => match rest & !TcpFlags::URG.0 {
            SYN => Kind::Syn,
            SYN_ACK => Kind::SynAck,
            FIN_ACK => Kind::Fin,
            ACK => Kind::Ack,
            _ => Kind::Bad,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_of_flags_has_a_kind_and_few_are_legal() {
        let legal = (0u16..512).filter(|&bits| classify(TcpFlags(bits)) != Kind::Bad).count();
        assert_eq!(legal, 10 * 16, "ten sets, each with sixteen of PSH, ECE, CWR, AE");
    }

    #[test]
    fn push_and_ecn_change_nothing_and_urgent_does_not_excuse_a_reset() {
        assert_eq!(classify(TcpFlags::SYN.with(TcpFlags::ECE).with(TcpFlags::CWR)), Kind::Syn);
        assert_eq!(classify(TcpFlags::ACK.with(TcpFlags::PSH).with(TcpFlags::URG)), Kind::Ack);
        assert_eq!(classify(TcpFlags::RST.with(TcpFlags::URG)), Kind::Bad);
        assert_eq!(classify(TcpFlags::SYN.with(TcpFlags::FIN)), Kind::Bad);
        assert_eq!(classify(TcpFlags(0)), Kind::Bad);
        assert_eq!(classify(TcpFlags::FIN), Kind::Bad);
    }
}
