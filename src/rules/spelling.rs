//! What is wrong with the spelling of a condition, said in words.
//!
//! A parser generator reports the state it was in ("mismatched input … expecting {'[', '{', …}"). This
//! reads the tokens once from left to right, knowing only whether a value or an operator must come
//! next and which brackets are open, which is enough to name the token that does not fit and, for
//! habits brought from other languages (`=`, `and`, `is null`), what to write instead. It accepts
//! everything that `cel` accepts and we support; what it lets through by mistake, `cel` refuses.

use std::ops::Range;

use crate::base::limits::{MAX_CONDITION_BYTES, MAX_CONDITION_DEPTH};
use crate::rules::syntax::Problem;
use crate::rules::tokens::{self, Token, TokenKind};

/// An open bracket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bracket {
    /// The whole text: none.
    Outside,
    Group,
    Call,
    List,
    Index,
}

struct Open {
    bracket: Bracket,
    /// The bracket's place among the tokens.
    place: usize,
    /// Conditionals whose `:` is still to come: the places of their `?`.
    conditionals: Vec<usize>,
}

/// Reads tokens from left to right.
struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Token<'a>],
    open: Vec<Open>,
    /// Whether a value must come next; if not, an operator must.
    wants_value: bool,
}

/// The first thing wrong with the tokens of `text`, if any.
pub(crate) fn problem(text: &str, tokens: &[Token<'_>]) -> Option<Problem> {
    if text.len() > MAX_CONDITION_BYTES {
        let message =
            format!("this is {} bytes long, and at most {MAX_CONDITION_BYTES} are allowed", text.len());
        return Some(Problem::new("too_long", &(0..text.len()), message).with_help(
            "name parts of it as segments or computed attributes, or list ids in a segment's `members`",
        ));
    }
    if tokens.is_empty() {
        return Some(
            syntax(&(0..text.len()), "this is empty").with_help("write a condition, such as `ltv > 500.0`"),
        );
    }
    if let Some(stray) = tokens.iter().find_map(stray) {
        return Some(stray);
    }
    if tokens::depth(tokens) > MAX_CONDITION_DEPTH {
        let message =
            format!("this nests more than {MAX_CONDITION_DEPTH} brackets and operators in each other");
        return Some(
            Problem::new("too_deep", &(0..text.len()), message)
                .with_help("name parts of it as segments or computed attributes"),
        );
    }
    let outside = Open { bracket: Bracket::Outside, place: 0, conditionals: Vec::new() };
    let mut reader = Reader { text, tokens, open: vec![outside], wants_value: true };
    (0..tokens.len()).find_map(|place| reader.read(place).err()).or_else(|| reader.end().err())
}

fn syntax(at: &Range<usize>, message: impl Into<String>) -> Problem {
    Problem::new("syntax", at, message)
}

fn stray(token: &Token<'_>) -> Option<Problem> {
    match token.kind {
        TokenKind::OpenQuote => {
            let help = "close it with the same quote; inside, write `\\\"` for a quote";
            Some(syntax(&token.at, "this text has no closing quote").with_help(help))
        }
        TokenKind::Stray => {
            let problem = syntax(&token.at, format!("`{}` has no meaning here", token.text));
            Some(match token.text {
                "\u{201c}" | "\u{201d}" | "\u{201e}" | "\u{2018}" | "\u{2019}" | "\u{ab}" | "\u{bb}" => {
                    problem.with_help("write text in straight quotes: `\"gold\"`")
                }
                "\u{2260}" => problem.with_help("write `!=`"),
                "\u{2264}" => problem.with_help("write `<=`"),
                "\u{2265}" => problem.with_help("write `>=`"),
                "\u{a0}" => problem.with_help("this is a no-break space: write an ordinary one"),
                ";" => problem.with_help("a condition is one expression: join parts with `&&` or `||`"),
                "#" => problem.with_help("a comment starts with `//`"),
                _ => problem,
            })
        }
        TokenKind::Quoted if token.text.starts_with(['b', 'B']) || token.text.starts_with("rb") => {
            let help = "write text without the `b`: `\"gold\"`";
            Some(syntax(&token.at, "values of bytes are not supported").with_help(help))
        }
        TokenKind::Number if token.text.ends_with(['u', 'U']) => {
            let help = format!("write `{}`", token.text.trim_end_matches(['u', 'U']));
            Some(syntax(&token.at, "unsigned numbers are not supported").with_help(help))
        }
        _ => None,
    }
}

impl<'a> Reader<'a> {
    fn top(&mut self) -> &mut Open {
        self.open.last_mut().expect("the outermost level is never closed")
    }

    fn text_at(&self, place: usize) -> &'a str {
        self.tokens.get(place).map_or("", |token| token.text)
    }

    fn before(&self, place: usize) -> Option<&'a Token<'a>> {
        self.tokens.get(place.checked_sub(1)?)
    }

    /// Whether two tokens touch, so that they were probably meant as one.
    fn touches_next(&self, place: usize) -> bool {
        self.tokens.get(place + 1).is_some_and(|next| next.at.start == self.tokens[place].at.end)
    }

    fn read(&mut self, place: usize) -> Result<(), Problem> {
        if self.wants_value { self.value(place) } else { self.operator(place) }
    }

    fn push(&mut self, bracket: Bracket, place: usize) {
        self.open.push(Open { bracket, place, conditionals: Vec::new() });
        self.wants_value = true;
    }

    fn value(&mut self, place: usize) -> Result<(), Problem> {
        let token = &self.tokens[place];
        match (token.kind, token.text) {
            (TokenKind::Name, "in") => return Err(self.no_value(place)),
            (TokenKind::Name, "not" | "NOT") if self.value_follows(place) => {
                return Err(
                    syntax(&token.at, format!("`{}` is no operator here", token.text)).with_help("write `!`")
                );
            }
            (TokenKind::Name | TokenKind::Number | TokenKind::Quoted, _) => self.wants_value = false,
            (_, "!" | "-") => {}
            (_, "(") => self.push(Bracket::Group, place),
            (_, "[") => self.push(Bracket::List, place),
            (_, "{") => {
                let help = "compare the fields one by one, or write a list in `[ ]`";
                return Err(syntax(&token.at, "a map cannot be written in a condition").with_help(help));
            }
            (_, ")") if self.top().bracket == Bracket::Call && self.text_at(place - 1) == "(" => {
                self.close(place)?;
            }
            (_, "]")
                if self.top().bracket == Bracket::List && matches!(self.text_at(place - 1), "[" | ",") =>
            {
                self.close(place)?;
            }
            _ => return Err(self.no_value(place)),
        }
        Ok(())
    }

    /// Whether a value comes after the token, so that it can only be meant as a prefix.
    fn value_follows(&self, place: usize) -> bool {
        self.tokens.get(place + 1).is_some_and(|next| match next.kind {
            TokenKind::Sign => next.text == "(" || next.text == "!",
            TokenKind::Name => next.text != "in",
            _ => true,
        })
    }

    fn no_value(&self, place: usize) -> Problem {
        let token = &self.tokens[place];
        let found = token.text;
        let before = self.before(place).map(|token| token.text);
        let (message, help) = match (before, found) {
            (Some("="), _) | (Some("=="), "=") => {
                (format!("`{}=` is no operator", before.unwrap_or("=")), Some("write `==`"))
            }
            (Some("!="), "=") => ("`!==` is no operator".to_owned(), Some("write `!=`")),
            (Some("<"), ">") => ("`<>` is no operator".to_owned(), Some("write `!=`")),
            (Some("!"), "in") => ("`!in` is no operator".to_owned(), Some("write `!(x in list)`")),
            (Some("+"), "+") | (_, "+") => {
                (format!("expected a value, found `{found}`"), Some("a number is written without `+`"))
            }
            (Some("/" | "*"), "*") => (
                format!("expected a value, found `{found}`"),
                Some("a comment starts with `//`, and there is no power"),
            ),
            (Some(before), _) => (format!("expected a value after `{before}`, found `{found}`"), None),
            (None, _) => (format!("expected a value, found `{found}`"), None),
        };
        let problem = syntax(&token.at, message);
        match help {
            Some(help) => problem.with_help(help),
            None => problem,
        }
    }

    fn operator(&mut self, place: usize) -> Result<(), Problem> {
        let token = &self.tokens[place];
        match (token.kind, token.text) {
            (
                TokenKind::Sign,
                "&&" | "||" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "+" | "-" | "*" | "/" | "%",
            )
            | (TokenKind::Name, "in") => self.wants_value = true,
            (TokenKind::Sign, ".") => return self.member(place),
            (TokenKind::Name, _) if self.text_at(place.wrapping_sub(1)) == "." => {}
            (TokenKind::Sign, "(")
                if self.before(place).is_some_and(|before| before.kind == TokenKind::Name) =>
            {
                self.push(Bracket::Call, place);
            }
            (TokenKind::Sign, "[") if self.text_at(place + 1) == "?" => return Err(optional(&token.at)),
            (TokenKind::Sign, "[") => self.push(Bracket::Index, place),
            (TokenKind::Sign, "?") => {
                self.top().conditionals.push(place);
                self.wants_value = true;
            }
            (TokenKind::Sign, ":") => return self.otherwise(place),
            (TokenKind::Sign, ",") if matches!(self.top().bracket, Bracket::Call | Bracket::List) => {
                self.no_open_conditional()?;
                self.wants_value = true;
            }
            (TokenKind::Sign, ")" | "]") => self.close(place)?,
            _ => return Err(self.no_operator(place)),
        }
        Ok(())
    }

    fn member(&self, place: usize) -> Result<(), Problem> {
        let token = &self.tokens[place];
        match self.tokens.get(place + 1) {
            Some(name) if name.kind == TokenKind::Name && !is_keyword(name.text) => Ok(()),
            Some(next) if next.text == "?" => Err(optional(&token.at)),
            Some(next) => Err(syntax(&next.at, format!("expected a name after `.`, found `{}`", next.text))),
            None => Err(syntax(&token.at, "expected a name after `.`, found the end")),
        }
    }

    fn otherwise(&mut self, place: usize) -> Result<(), Problem> {
        let nested = self.top().conditionals.len() > 1;
        if self.top().conditionals.pop().is_none() {
            return Err(self.no_operator(place));
        }
        if nested {
            let help = "put the inner `? :` into brackets";
            return Err(
                syntax(&self.tokens[place].at, "a conditional stands between `?` and `:`").with_help(help)
            );
        }
        self.wants_value = true;
        Ok(())
    }

    fn no_open_conditional(&mut self) -> Result<(), Problem> {
        match self.top().conditionals.last() {
            Some(&place) => {
                let help = "write `condition ? value : other value`";
                Err(syntax(&self.tokens[place].at, "this `?` has no `:`").with_help(help))
            }
            None => Ok(()),
        }
    }

    fn close(&mut self, place: usize) -> Result<(), Problem> {
        self.no_open_conditional()?;
        let token = &self.tokens[place];
        let expected = match self.top().bracket {
            Bracket::Outside => {
                return Err(syntax(&token.at, format!("this `{}` closes nothing", token.text)));
            }
            Bracket::Group | Bracket::Call => ")",
            Bracket::List | Bracket::Index => "]",
        };
        if token.text != expected {
            let open = &self.tokens[self.top().place];
            let message =
                format!("expected `{expected}` for the `{}` before, found `{}`", open.text, token.text);
            return Err(syntax(&token.at, message));
        }
        self.open.pop();
        self.wants_value = false;
        Ok(())
    }

    fn no_operator(&self, place: usize) -> Problem {
        let token = &self.tokens[place];
        let inside = self.open.last().is_some_and(|open| open.bracket != Bracket::Outside);
        let end = if inside { "the closing bracket" } else { "the end" };
        let problem = syntax(&token.at, format!("expected an operator or {end}, found `{}`", token.text));
        match self.meant(place) {
            Some(help) => problem.with_help(help),
            None => problem,
        }
    }

    /// What was probably meant by a token that is no operator.
    fn meant(&self, place: usize) -> Option<String> {
        let token = &self.tokens[place];
        let next = self.text_at(place + 1);
        let help = match token.text.to_ascii_lowercase().as_str() {
            "=" if next == ">" && self.touches_next(place) => "write `>=`",
            "=" if next == "<" && self.touches_next(place) => "write `<=`",
            "=" => "write `==` to compare",
            "&" | "and" => "write `&&`",
            "|" | "or" => "write `||`",
            "is" if next.eq_ignore_ascii_case("null") => "write `!has(x)` to ask whether a value is missing",
            "is" if next.eq_ignore_ascii_case("not") => "write `has(x)` to ask for presence, `!=` to compare",
            "is" | "equals" | "eq" => "write `==`",
            "not" if next == "in" => "write `!(x in list)`",
            "not" | "ne" => "write `!(…)` around the condition, or `!=`",
            "!" => "write `!=` to compare, or `&& !…` to add a condition",
            "gt" => "write `>`",
            "lt" => "write `<`",
            "like" | "contains" => "write `text.contains(\"part\")`",
            "startswith" => "write `text.startsWith(\"part\")`",
            "between" => "write `x >= low && x <= high`",
            "matches" => "write `text.matches(\"pattern\")`",
            "then" | "if" => "write `condition ? value : other value`",
            "{" => "records cannot be written in a condition",
            _ => return self.meant_by_value(place),
        };
        Some(help.to_owned())
    }

    fn meant_by_value(&self, place: usize) -> Option<String> {
        let token = &self.tokens[place];
        let before = self.before(place)?;
        let touches = before.at.end == token.at.start;
        if before.kind == TokenKind::Number
            && touches
            && matches!(token.text, "ms" | "s" | "m" | "h" | "d" | "w")
        {
            return Some(format!("write `duration(\"{}{}\")`", before.text, token.text));
        }
        if before.kind == TokenKind::Number && touches {
            return Some("a name starts with a letter or `_`; text is written in quotes".to_owned());
        }
        None
    }

    fn end(&mut self) -> Result<(), Problem> {
        if self.wants_value {
            let last = self.tokens.last().expect("a text without tokens was refused before");
            let end = self.text.trim_end().len();
            let message = match (last.text, self.before(self.tokens.len() - 1).map(|token| token.text)) {
                ("(" | "[", _) => format!("this `{}` is never closed", last.text),
                (text, _) => format!("expected a value after `{text}`, found the end"),
            };
            let at = if end > last.at.end { last.at.clone() } else { last.at.start..end };
            return Err(syntax(&at, message));
        }
        self.no_open_conditional()?;
        if self.top().bracket != Bracket::Outside {
            let open = &self.tokens[self.top().place];
            return Err(syntax(&open.at, format!("this `{}` is never closed", open.text)));
        }
        Ok(())
    }
}

fn optional(at: &Range<usize>) -> Problem {
    syntax(at, "optional access is not needed")
        .with_help("a missing value is never an error: write `.field` or `[key]`, and ask with `has(…)`")
}

/// Names that the grammar keeps for itself.
pub(crate) fn is_keyword(name: &str) -> bool {
    matches!(name, "in" | "true" | "false" | "null")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a text, with the part that is meant; nothing if it is let through.
    fn said(text: &str) -> String {
        problem(text, &tokens::tokens(text)).map_or(String::new(), |problem| {
            let help = problem.help.map_or(String::new(), |help| format!(" ({help})"));
            format!("[{}] {}{help}", &text[problem.at], problem.message)
        })
    }

    #[test]
    fn habits_of_other_languages_are_answered_with_what_to_write() {
        for (text, help) in [
            ("a => 1", "write `>=`"),
            ("a =< 1", "write `<=`"),
            ("a = > 1", "write `==` to compare"),
            ("a = < 1", "write `==` to compare"),
            ("a =b", "write `==` to compare"),
            ("a | b", "write `||`"),
            ("a is NULL", "write `!has(x)` to ask whether a value is missing"),
            ("a is not null", "write `has(x)` to ask for presence, `!=` to compare"),
            ("a is 1", "write `==`"),
            ("a equals 1", "write `==`"),
            ("a not in b", "write `!(x in list)`"),
            ("a not b", "write `!(…)` around the condition, or `!=`"),
            ("a ne b", "write `!(…)` around the condition, or `!=`"),
            ("a !b", "write `!=` to compare, or `&& !…` to add a condition"),
            ("a gt b", "write `>`"),
            ("a lt b", "write `<`"),
            ("a like b", "write `text.contains(\"part\")`"),
            ("a CONTAINS b", "write `text.contains(\"part\")`"),
            ("a startsWith b", "write `text.startsWith(\"part\")`"),
            ("a between b", "write `x >= low && x <= high`"),
            ("a matches b", "write `text.matches(\"pattern\")`"),
            ("a then b", "write `condition ? value : other value`"),
            ("a if b", "write `condition ? value : other value`"),
            ("a {", "records cannot be written in a condition"),
            ("1 < 5ms", "write `duration(\"5ms\")`"),
            ("1 < 5min", "a name starts with a letter or `_`; text is written in quotes"),
        ] {
            let said = said(text);
            assert!(said.contains("] expected an operator or the end, found `"), "{text}: {said}");
            assert!(said.ends_with(&format!(" ({help})")), "{text}: {said}");
        }
        for (text, help) in [
            ("a \u{2260} 1", "write `!=`"),
            ("a \u{2264} 1", "write `<=`"),
            ("a \u{2265} 1", "write `>=`"),
            ("a\u{a0}== 1", "this is a no-break space: write an ordinary one"),
            ("a; b", "a condition is one expression: join parts with `&&` or `||`"),
            ("a # b", "a comment starts with `//`"),
        ] {
            let said = said(text);
            assert!(said.contains(" has no meaning here"), "{text}: {said}");
            assert!(said.ends_with(&format!(" ({help})")), "{text}: {said}");
        }
    }

    #[test]
    fn the_token_that_does_not_fit_is_named() {
        for (text, problem) in [
            ("a 5", "[5] expected an operator or the end, found `5`"),
            ("5 d", "[d] expected an operator or the end, found `d`"),
            ("(a)d", "[d] expected an operator or the end, found `d`"),
            ("a, b", "[,] expected an operator or the end, found `,`"),
            ("(a, b)", "[,] expected an operator or the closing bracket, found `,`"),
            ("x[a, b]", "[,] expected an operator or the closing bracket, found `,`"),
            ("1 (a)", "[(] expected an operator or the end, found `(`"),
            ("a : b", "[:] expected an operator or the end, found `:`"),
            ("in [1]", "[in] expected a value, found `in`"),
            ("!in [1]", "[in] `!in` is no operator (write `!(x in list)`)"),
            ("+1", "[+] expected a value, found `+` (a number is written without `+`)"),
            ("a ** b", "[*] expected a value, found `*` (a comment starts with `//`, and there is no power)"),
            ("a !== b", "[=] `!==` is no operator (write `!=`)"),
            ("x[]", "[]] expected a value after `[`, found `]`"),
            ("(]", "[]] expected a value after `(`, found `]`"),
            ("[a + ]", "[]] expected a value after `+`, found `]`"),
            ("()", "[)] expected a value after `(`, found `)`"),
            ("f(a + )", "[)] expected a value after `+`, found `)`"),
            ("[a)", "[)] expected `]` for the `[` before, found `)`"),
            ("x[a", "[[] this `[` is never closed"),
            ("a == f( ", "[(] this `(` is never closed"),
            ("a == ", "[==] expected a value after `==`, found the end"),
            ("a == // why", "[==] expected a value after `==`, found the end"),
            ("!", "[!] expected a value after `!`, found the end"),
            ("a.", "[.] expected a name after `.`, found the end"),
            ("a.5", "[.5] expected an operator or the end, found `.5`"),
            ("a.(b)", "[(] expected a name after `.`, found `(`"),
            ("f(a ? b, c)", "[?] this `?` has no `:` (write `condition ? value : other value`)"),
            ("(a ? b)", "[?] this `?` has no `:` (write `condition ? value : other value`)"),
            (
                "a ? b ? c : d : e",
                "[:] a conditional stands between `?` and `:` (put the inner `? :` into brackets)",
            ),
            (
                "x[?1]",
                "[[] optional access is not needed (a missing value is never an error: write `.field` or `[key]`, and ask with `has(…)`)",
            ),
            ("not (a)", "[not] `not` is no operator here (write `!`)"),
            ("not !a", "[not] `not` is no operator here (write `!`)"),
            ("NOT 5", "[NOT] `NOT` is no operator here (write `!`)"),
        ] {
            assert_eq!(said(text), problem, "{text}");
        }
    }

    #[test]
    fn what_may_be_meant_is_let_through() {
        for text in [
            "[]",
            "[a,]",
            "f()",
            "not == 1",
            "not in [1]",
            "not",
            "a ? b : c",
            "a ? b : c ? d : e",
            "-a.b[c].d(e) * f",
            "a // and why",
        ] {
            assert_eq!(said(text), "", "{text}");
        }
    }

    #[test]
    fn a_text_may_be_as_long_and_as_deep_as_allowed() {
        let long = |length: usize| said(&"a".repeat(length));
        assert_eq!(long(MAX_CONDITION_BYTES), "");
        assert!(
            long(MAX_CONDITION_BYTES + 1).contains("this is 8193 bytes long, and at most 8192 are allowed")
        );
        let deep = |depth: usize| said(&format!("{}a{}", "(".repeat(depth), ")".repeat(depth)));
        assert_eq!(deep(MAX_CONDITION_DEPTH), "");
        assert!(deep(MAX_CONDITION_DEPTH + 1).contains("this nests more than 64 brackets and operators"));
    }
}
