//! How much a query may chain.
//!
//! The engine follows an expression by recursion, and the stack ends the program when it is used up. A chain of conditions is as deep
//! as it is long; a list, as of `IN`, is flat.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::Usage;

/// Operators in one query. Planning a thousand takes a fraction of a second and a part of the stack.
const MOST: usize = 1_000;

/// Keywords by which expressions and plans grow deeper.
const DEEPER: [&str; 13] =
    ["AND", "OR", "NOT", "LIKE", "ILIKE", "IS", "BETWEEN", "CASE", "WHEN", "UNION", "INTERSECT", "EXCEPT", "JOIN"];

/// Refuses a query or condition that chains more than [`MOST`] operators.
///
/// # Errors
/// [`Usage`] with what to write instead.
pub fn check(text: &str) -> Result<(), Usage> {
    // What is no SQL is told of by the parser.
    let Ok(tokens) = Tokenizer::new(&GenericDialect, text).tokenize() else { return Ok(()) };
    let operators = tokens.iter().filter(|token| is_operator(token)).count();
    if operators > MOST {
        return Err(Usage(format!(
            "{operators} operators in one query, of which {MOST} are the most: write a list as x IN (1, 2, 3), which may be as long as you \
             like, or join with the rows of VALUES"
        )));
    }
    Ok(())
}

/// Whether expressions grow deeper by it. Parentheses are bounded by the parser.
fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(word) => {
            let word = word.value.to_ascii_uppercase();
            DEEPER.contains(&word.as_str())
        }
        Token::EOF
        | Token::Number(..)
        | Token::Char(_)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::Comma
        | Token::Whitespace(_)
        | Token::LParen
        | Token::RParen
        | Token::Period
        | Token::SemiColon => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_bounded_and_a_list_is_not() {
        let chain = |terms: usize| vec!["orig_p = 1"; terms].join(" OR ");
        assert!(check(&chain(400)).is_ok());
        assert!(check(&chain(600)).is_err_and(|Usage(said)| said.starts_with("1199 operators")));
        assert!(check(&vec!["1"; 2000].join(" + ")).is_err());
        assert!(check(&format!("uid IN ({})", vec!["1"; 100_000].join(", "))).is_ok());
        assert!(check("'not closed").is_ok(), "that is for the parser to say");
    }
}
