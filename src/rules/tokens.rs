//! The words and signs of a condition's text, and how deep it nests.
//!
//! The grammar itself is left to the `cel` crate; its parser recurses without a bound of its own on
//! operators and says nothing that a shop could read. So the text is cut into tokens first, by the
//! rules of CEL's lexer: that bounds the depth before anything recurses, lets
//! [`spelling`](crate::rules::spelling) name what is wrong in words, and gives whole expressions
//! their places, where the parser only gives one token each.
//!
//! Invariants:
//! 1. Tokens are in order, do not overlap, and lie between character boundaries.
//! 2. White space and comments are no tokens; a text of bounded length gives bounded tokens.

use std::ops::Range;

/// One word or sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: TokenKind,
    pub(crate) text: &'a str,
    pub(crate) at: Range<usize>,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A name or keyword.
    Name,
    Number,
    /// A quoted string, possibly raw or of bytes.
    Quoted,
    /// A quote that is never closed.
    OpenQuote,
    /// An operator, bracket or other mark.
    Sign,
    /// A character that no condition may contain outside quotes.
    Stray,
}

/// Signs of two characters; all others are one.
const LONG_SIGNS: [&str; 6] = ["&&", "||", "==", "!=", "<=", ">="];

/// Cuts `text` into tokens.
pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let blank =
            rest.bytes().take_while(|byte| matches!(byte, b'\t' | b' ' | b'\r' | b'\n' | 0x0c)).count();
        if blank > 0 {
            at += blank;
            continue;
        }
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let (kind, length) = token(rest, first);
        found.push(Token { kind, text: &rest[..length], at: at..at + length });
        at += length;
    }
    found
}

fn token(rest: &str, first: char) -> (TokenKind, usize) {
    if let Some((kind, length)) = quoted(rest) {
        return (kind, length);
    }
    let bytes = rest.as_bytes();
    let dotted_number = first == '.' && bytes.get(1).is_some_and(u8::is_ascii_digit);
    if first.is_ascii_digit() || dotted_number {
        return (TokenKind::Number, number(bytes));
    }
    if first.is_ascii_alphabetic() || first == '_' {
        let length = bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        return (TokenKind::Name, length);
    }
    if LONG_SIGNS.iter().any(|sign| rest.starts_with(sign)) {
        return (TokenKind::Sign, 2);
    }
    if first.is_ascii_punctuation() && !matches!(first, '@' | '#' | '$' | '^' | '~' | '\\' | ';' | '`') {
        return (TokenKind::Sign, 1);
    }
    (TokenKind::Stray, first.len_utf8())
}

/// The length of the number at the start of `bytes`.
fn number(bytes: &[u8]) -> usize {
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if bytes.starts_with(b"0x") {
        let hex = bytes[2..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if hex > 0 {
            return 2 + hex + usize::from(matches!(bytes.get(2 + hex), Some(b'u' | b'U')));
        }
    }
    let mut length = digits(0);
    let mut whole = true;
    if bytes.get(length) == Some(&b'.') && bytes.get(length + 1).is_some_and(u8::is_ascii_digit) {
        length += 1 + digits(length + 1);
        whole = false;
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        if bytes.get(length + 1 + sign).is_some_and(u8::is_ascii_digit) {
            length += 1 + sign + digits(length + 1 + sign);
            whole = false;
        }
    }
    length + usize::from(whole && matches!(bytes.get(length), Some(b'u' | b'U')))
}

/// The string at the start of `rest`, if there is one: `"…"`, `'…'`, tripled, with `r` or `b` before.
fn quoted(rest: &str) -> Option<(TokenKind, usize)> {
    let prefix = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    let raw = match &rest[..prefix] {
        "" | "b" | "B" => false,
        "r" | "R" | "br" | "bR" | "Br" | "BR" => true,
        _ => return None,
    };
    let body = &rest[prefix..];
    let quote = body.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let triple = quote.to_string().repeat(3);
    let (open, many_lines) = if body.starts_with(&triple) { (3, true) } else { (1, false) };
    let mut escaped = false;
    for (place, character) in body[open..].char_indices() {
        let here = open + place;
        if escaped {
            escaped = false;
            continue;
        }
        if character == '\\' && !raw {
            escaped = true;
        } else if matches!(character, '\n' | '\r') && !many_lines {
            return Some((TokenKind::OpenQuote, prefix + here));
        } else if character == quote && (!many_lines || body[here..].starts_with(&triple)) {
            return Some((TokenKind::Quoted, prefix + here + open));
        }
    }
    Some((TokenKind::OpenQuote, rest.len()))
}

/// For each token that is a bracket, the place of its partner; `None` for all others, and for a
/// bracket that has none.
pub(crate) fn partners(tokens: &[Token<'_>]) -> Vec<Option<usize>> {
    let mut found = vec![None; tokens.len()];
    let mut open: Vec<usize> = Vec::new();
    for (place, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == TokenKind::Sign) {
        match token.text {
            "(" | "[" | "{" => open.push(place),
            ")" | "]" | "}" => {
                if let Some(partner) = open.pop() {
                    found[place] = Some(partner);
                    found[partner] = Some(place);
                }
            }
            _ => {}
        }
    }
    found
}

/// What one bracket, or the whole text, adds to the depth.
#[derive(Default)]
struct Level {
    /// Operators in a row since the last `,`, `&&` or `||`; each may nest all that stands before it.
    chain: usize,
    /// The deepest bracket since then.
    inner: usize,
    /// The deepest of the parts before.
    deepest: usize,
    /// Conditionals `? :`, each of which nests the next.
    conditionals: usize,
}

impl Level {
    fn close_part(&mut self) {
        self.deepest = self.deepest.max(self.chain + self.inner);
        self.chain = 0;
        self.inner = 0;
    }

    fn depth(mut self) -> usize {
        self.close_part();
        self.deepest + self.conditionals
    }
}

/// An upper bound of the levels of nesting: brackets, and operators and `.` in a row. Rows of `&&`
/// and `||` nest nothing, since the parser balances them.
pub(crate) fn depth(tokens: &[Token<'_>]) -> usize {
    let mut levels = Vec::new();
    let mut level = Level::default();
    for token in tokens {
        match (token.kind, token.text) {
            (TokenKind::Sign, "(" | "[" | "{") => levels.push(std::mem::take(&mut level)),
            (TokenKind::Sign, ")" | "]" | "}") => {
                let outer = levels.pop().unwrap_or_default();
                let inner = std::mem::replace(&mut level, outer).depth() + 1;
                level.inner = level.inner.max(inner);
                // An index nests what stands before it; for a call the `.` has been counted.
                level.chain += usize::from(token.text == "]");
            }
            (TokenKind::Sign, "&&" | "||" | "," | ":") => level.close_part(),
            (TokenKind::Sign, "?") => {
                level.close_part();
                level.conditionals += 1;
            }
            (TokenKind::Sign, _) | (TokenKind::Name, "in") => level.chain += 1,
            _ => {}
        }
    }
    while let Some(outer) = levels.pop() {
        let inner = std::mem::replace(&mut level, outer).depth() + 1;
        level.inner = level.inner.max(inner);
    }
    level.depth()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        tokens(text).iter().map(|token| token.text).collect()
    }

    #[test]
    fn text_is_cut_as_cel_does() {
        assert_eq!(texts("a.b >= 1.5e3 // c\n&& !x"), ["a", ".", "b", ">=", "1.5e3", "&&", "!", "x"]);
        assert_eq!(
            texts(r#"'a"\'b' + r"\" + """x"y"""  "#),
            [r#"'a"\'b'"#, "+", r#"r"\""#, "+", r#""""x"y""""#]
        );
        assert_eq!(texts("1u 0x1F .5 1.a 1e"), ["1u", "0x1F", ".5", "1", ".", "a", "1", "e"]);
        assert_eq!(
            texts("0x1Fu 0xg 1e+5 12.5E-34u 1e+ 1e-x"),
            ["0x1Fu", "0", "xg", "1e+5", "12.5E-34", "u", "1", "e", "+", "1", "e", "-", "x"]
        );
        assert_eq!(texts("ä\u{201c}x"), ["ä", "\u{201c}", "x"]);
        assert_eq!(tokens("\"abc")[0].kind, TokenKind::OpenQuote);
        assert_eq!(tokens("'a\nb'")[0].kind, TokenKind::OpenQuote);
    }

    #[test]
    fn rows_of_conditions_are_flat_and_rows_of_operators_deep() {
        assert_eq!(depth(&tokens("a && b && c || d")), 0);
        assert_eq!(depth(&tokens("a + b + c && d")), 2);
        assert_eq!(depth(&tokens("f(g(x))")), 2);
        assert_eq!(depth(&tokens("a[b][c][d]")), 4);
        assert_eq!(depth(&tokens("(a)(b)")), 1);
        assert_eq!(depth(&tokens("(a + b) + c + d")), 4);
        assert_eq!(depth(&tokens(&"(".repeat(100))), 100);
        assert_eq!(depth(&tokens(&"!".repeat(100))), 100);
        assert_eq!(depth(&tokens("a ? b : c ? d : e")), 2);
    }
}
