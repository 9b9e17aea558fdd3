//! Reads a condition's text into a syntax tree. The only file that names the crate `cel`.
//!
//! The crate gives the grammar of CEL and nothing else: its interpreter treats a missing value as an
//! error, knows no windows, and would have to be run for every customer. Its parser is asked for no
//! macros, so that `has(x)`, `list.exists(e, …)` and `.exists()` all arrive as the calls they were
//! written as; it marks one token of each expression with its place, from which the whole
//! expression's place is worked out here.
//!
//! Invariants:
//! 1. Text that [`spelling`](crate::rules::spelling) has not bounded never reaches the crate.
//! 2. The place of a node holds the places of its parts, and its brackets in pairs.

use std::ops::Range;

use cel::common::ast::{CallExpr, Expr as Parsed, LiteralValue, SourceInfo, operators};
use cel::{Env, IdedExpr, ParseErrors};

use crate::base::deep_stack::on_deep_stack;
use crate::model::value::Value;
use crate::rules::spelling;
use crate::rules::syntax::{Binary, Kind, Node, Problem};
use crate::rules::tokens::{Token, TokenKind, depth, partners, tokens};

/// What the grammar reads on any thread's stack, levels.
const USUAL_DEPTH: usize = 8;

/// Reads `text`.
pub(crate) fn parse(text: &str) -> Result<Node, Problem> {
    let tokens = tokens(text);
    if let Some(problem) = spelling::problem(text, &tokens) {
        return Err(problem);
    }
    let parsed = match depth(&tokens) {
        ..=USUAL_DEPTH => grammar(text),
        _ => on_deep_stack(|| grammar(text)),
    };
    let (parsed, source) = parsed.map_err(|errors| unreadable(text, &errors))?;
    let partners = partners(&tokens);
    Reader { source, tokens, partners }.node(parsed)
}

fn grammar(text: &str) -> Result<(IdedExpr, SourceInfo), ParseErrors> {
    Env::default().with_optional_support(false).parser().parse_with_source_info(text)
}

/// The parser's first complaint, for what its grammar refuses and our own reading let through.
fn unreadable(text: &str, errors: &ParseErrors) -> Problem {
    let Some(error) = errors.errors.first() else {
        return Problem::new("syntax", &(0..text.len()), "this cannot be read as a condition");
    };
    let line = usize::try_from(error.pos.0 - 1).unwrap_or(0);
    let column = usize::try_from(error.pos.1 - 1).unwrap_or(0);
    let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let within = text[before..].char_indices().nth(column).map_or(text.len() - before, |(start, _)| start);
    let start = before + within;
    let at = tokens(text)
        .into_iter()
        .find(|token| token.at.end > start)
        .map_or(start..text.len(), |token| token.at);
    let found = &text[at.clone()];
    match error.msg.as_str() {
        message if message.starts_with("reserved identifier") => {
            Problem::new("syntax", &at, format!("`{found}` is a word that the language keeps for itself"))
        }
        message if message.starts_with("invalid int") => {
            let help = format!("whole numbers go from {} to {}", i64::MIN, i64::MAX);
            Problem::new("syntax", &at, format!("`{found}` is no whole number of 64 bits")).with_help(help)
        }
        message if message.starts_with("invalid double") => {
            Problem::new("syntax", &at, format!("`{found}` is no number of 64 bits"))
        }
        message if message.starts_with("invalid string") || message.contains("token recognition") => {
            Problem::new("syntax", &at, "this text cannot be read")
                .with_help("after `\\` comes one of `n`, `t`, `\\`, a quote, or `u` with four digits")
        }
        _ => Problem::new("syntax", &at, format!("expected something else here, found `{found}`")),
    }
}

/// Turns the crate's tree into ours.
struct Reader<'a> {
    source: SourceInfo,
    tokens: Vec<Token<'a>>,
    partners: Vec<Option<usize>>,
}

impl Reader<'_> {
    /// The place among the tokens of the one that stands for an expression.
    fn token(&self, id: u64) -> usize {
        let (start, _) = self.source.offset_for(id).unwrap_or_default();
        self.tokens.partition_point(|token| token.at.end <= start as usize).min(self.tokens.len() - 1)
    }

    /// From the token at `first` to the bracket that closes the one at `open`.
    fn through(&self, first: usize, open: usize) -> Range<usize> {
        let close = self.partners[open].unwrap_or(open);
        self.tokens[first].at.start..self.tokens[close].at.end
    }

    /// The smallest range that holds `start..end` and no half of a pair of brackets.
    fn widened(&self, start: usize, end: usize) -> Range<usize> {
        let first = self.tokens.partition_point(|token| token.at.end <= start);
        let last = self.tokens.partition_point(|token| token.at.start < end);
        let (mut low, mut high) = (first, last);
        for partner in self.partners[first..last].iter().flatten() {
            low = low.min(*partner);
            high = high.max(*partner + 1);
        }
        if low >= high {
            return start..end;
        }
        self.tokens[low].at.start..self.tokens[high - 1].at.end
    }

    fn node(&self, parsed: IdedExpr) -> Result<Node, Problem> {
        let token = self.token(parsed.id);
        let place = self.tokens[token].at.clone();
        match parsed.expr {
            Parsed::Literal(literal) => self.literal(literal, token),
            Parsed::Ident(name) => Ok(Node { kind: Kind::Name(name), at: place }),
            Parsed::List(list) => {
                let elements = list.elements.into_iter().map(|element| self.node(element));
                let kind = Kind::List(elements.collect::<Result<_, _>>()?);
                Ok(Node { kind, at: self.through(token, token) })
            }
            Parsed::Select(select) => {
                let operand = self.node(*select.operand)?;
                let end = self.tokens.get(token + 1).map_or(place.end, |field| field.at.end);
                let at = self.widened(operand.at.start, end);
                Ok(Node { kind: Kind::Select(Box::new(operand), select.field), at })
            }
            Parsed::Call(call) => self.call(call, token),
            Parsed::Map(_) | Parsed::Struct(_) | Parsed::Comprehension(_) | Parsed::Unspecified => {
                Err(Problem::new("syntax", &place, "this is not supported in a condition"))
            }
        }
    }

    fn literal(&self, literal: LiteralValue, token: usize) -> Result<Node, Problem> {
        let mut at = self.tokens[token].at.clone();
        let negative = match &literal {
            LiteralValue::Int(number) => *number.inner() < 0,
            LiteralValue::Double(number) => number.inner().is_sign_negative(),
            _ => false,
        };
        if negative && token > 0 && self.tokens[token].kind == TokenKind::Number {
            at.start = self.tokens[token - 1].at.start;
        }
        let value = match literal {
            LiteralValue::Boolean(value) => Value::Bool(*value.inner()),
            LiteralValue::Int(value) => Value::Int(*value.inner()),
            LiteralValue::Double(value) => Value::float(*value.inner())
                .ok_or_else(|| Problem::new("syntax", &at, "this number is larger than 2^1000"))?,
            LiteralValue::String(value) => Value::string(value.inner()),
            LiteralValue::Null => return Ok(Node { kind: Kind::Null, at }),
            LiteralValue::Bytes(_) | LiteralValue::UInt(_) => {
                return Err(Problem::new("syntax", &at, "this kind of value is not supported"));
            }
        };
        Ok(Node { kind: Kind::Literal(value), at })
    }

    fn call(&self, call: CallExpr, token: usize) -> Result<Node, Problem> {
        let mut arguments = Vec::with_capacity(call.args.len());
        for argument in call.args {
            arguments.push(self.node(argument)?);
        }
        let name = call.func_name;
        if let Some(target) = call.target {
            let target = self.node(*target)?;
            let at = self.widened(target.at.start, self.through(token, token).end);
            return Ok(Node { kind: method(name, target, arguments), at });
        }
        let at = |first: &Node, last: &Node| self.widened(first.at.start, last.at.end);
        let prefix = |operand: &Node| self.widened(self.tokens[token].at.start, operand.at.end);
        let mut operands = arguments.into_iter();
        let node = match (name.as_str(), operands.next(), operands.next(), operands.next()) {
            (operators::LOGICAL_NOT, Some(a), None, None) => {
                Node { at: prefix(&a), kind: Kind::Not(Box::new(a)) }
            }
            (operators::NEGATE, Some(a), None, None) => {
                Node { at: prefix(&a), kind: Kind::Negate(Box::new(a)) }
            }
            (operators::INDEX, Some(a), Some(b), None) => {
                let at = self.widened(a.at.start, self.through(token, token).end);
                Node { at, kind: Kind::Index(Box::new(a), Box::new(b)) }
            }
            (operators::CONDITIONAL, Some(a), Some(b), Some(c)) => {
                Node { at: at(&a, &c), kind: Kind::Conditional(Box::new(a), Box::new(b), Box::new(c)) }
            }
            (operator, Some(a), Some(b), None) if binary(operator).is_some() => {
                let operator = binary(operator).unwrap_or(Binary::And);
                Node { at: at(&a, &b), kind: Kind::Binary(operator, Box::new(a), Box::new(b)) }
            }
            (_, a, b, c) => {
                let arguments = a.into_iter().chain(b).chain(c).chain(operands).collect();
                let at = self.through(token.saturating_sub(1), token);
                Node { at, kind: Kind::Call { function: name, target: None, arguments } }
            }
        };
        Ok(node)
    }
}

fn method(function: String, target: Node, mut arguments: Vec<Node>) -> Kind {
    let exists = function == "exists";
    if (exists || function == "all")
        && let [Node { kind: Kind::Name(variable), .. }, _] = arguments.as_slice()
    {
        let variable = variable.clone();
        let condition = Box::new(arguments.remove(1));
        return Kind::Quantified { exists, list: Box::new(target), variable, condition };
    }
    Kind::Call { function, target: Some(Box::new(target)), arguments }
}

fn binary(operator: &str) -> Option<Binary> {
    Some(match operator {
        operators::LOGICAL_AND => Binary::And,
        operators::LOGICAL_OR => Binary::Or,
        operators::EQUALS => Binary::Equal,
        operators::NOT_EQUALS => Binary::NotEqual,
        operators::LESS => Binary::Less,
        operators::LESS_EQUALS => Binary::LessOrEqual,
        operators::GREATER => Binary::Greater,
        operators::GREATER_EQUALS => Binary::GreaterOrEqual,
        operators::IN => Binary::In,
        operators::ADD => Binary::Add,
        operators::SUBSTRACT => Binary::Subtract,
        operators::MULTIPLY => Binary::Multiply,
        operators::DIVIDE => Binary::Divide,
        operators::MODULO => Binary::Remainder,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree as text, each inner node with the text it covers.
    fn shown(text: &str) -> String {
        match parse(text) {
            Ok(node) => show(text, &node),
            Err(problem) => {
                let found = &text[problem.at.clone()];
                let help = problem.help.map_or(String::new(), |help| format!(" ({help})"));
                format!("[{found}] {}{help}", problem.message)
            }
        }
    }

    fn show(text: &str, node: &Node) -> String {
        let parts: Vec<&Node> = match &node.kind {
            Kind::Literal(_) | Kind::Null | Kind::Name(_) => Vec::new(),
            Kind::Select(a, _) | Kind::Not(a) | Kind::Negate(a) => vec![a],
            Kind::Binary(_, a, b) | Kind::Index(a, b) => vec![a, b],
            Kind::Conditional(a, b, c) => vec![a, b, c],
            Kind::List(elements) => elements.iter().collect(),
            Kind::Call { target, arguments, .. } => target.as_deref().into_iter().chain(arguments).collect(),
            Kind::Quantified { list, condition, .. } => vec![list, condition],
        };
        let parts: Vec<String> = parts.into_iter().map(|part| show(text, part)).collect();
        let inner = if parts.is_empty() { String::new() } else { format!("{{{}}}", parts.join(" ")) };
        format!("`{}`{inner}", &text[node.at.clone()])
    }

    #[test]
    fn every_part_knows_its_place() {
        for (text, tree) in [
            ("a", "`a`"),
            ("-5 < x", "`-5 < x`{`-5` `x`}"),
            ("x > -1.5 && y", "`x > -1.5 && y`{`x > -1.5`{`x` `-1.5`} `y`}"),
            ("-0.0", "`-0.0`"),
            ("0 == x - 0.5", "`0 == x - 0.5`{`0` `x - 0.5`{`x` `0.5`}}"),
            ("(((a)))[0]", "`(((a)))[0]`{`a` `0`}"),
            ("has(x)", "`has(x)`{`x`}"),
            ("has( a.b ) ", "`has( a.b )`{`a.b`{`a`}}"),
            ("(a || b) && !c", "`(a || b) && !c`{`a || b`{`a` `b`} `!c`{`c`}}"),
            ("\"\u{e4}\u{1F600}\" == name", "`\"\u{e4}\u{1F600}\" == name`{`\"\u{e4}\u{1F600}\"` `name`}"),
            (
                "events(\"A\").where(p == 1).count() > 2",
                "`events(\"A\").where(p == 1).count() > 2`{`events(\"A\").where(p == 1).count()`{`events(\"A\").where(p == 1)`{`events(\"A\")`{`\"A\"`} `p == 1`{`p` `1`}}} `2`}",
            ),
            ("x.exists()", "`x.exists()`{`x`}"),
            ("x.exists(e, e == 1)", "`x.exists(e, e == 1)`{`x` `e == 1`{`e` `1`}}"),
            ("m[\"k\"][0].f", "`m[\"k\"][0].f`{`m[\"k\"][0]`{`m[\"k\"]`{`m` `\"k\"`} `0`}}"),
            ("(a) ? b : c", "`(a) ? b : c`{`a` `b` `c`}"),
            ("x in [1, 2]", "`x in [1, 2]`{`x` `[1, 2]`{`1` `2`}}"),
        ] {
            assert_eq!(shown(text), tree, "{text}");
        }
    }

    /// Each condition and what becomes of it.
    const WHAT_IS_WRONG_IS_SAID_IN_WORDS: &[(&str, &str)] = &[
        ("", "[] this is empty (write a condition, such as `ltv > 500.0`)"),
        ("a = 1", "[=] expected an operator or the end, found `=` (write `==` to compare)"),
        ("a === 1", "[=] `===` is no operator (write `==`)"),
        ("a <> 1", "[>] `<>` is no operator (write `!=`)"),
        ("a and b", "[and] expected an operator or the end, found `and` (write `&&`)"),
        ("a OR b", "[OR] expected an operator or the end, found `OR` (write `||`)"),
        ("not a", "[not] `not` is no operator here (write `!`)"),
        ("a & b", "[&] expected an operator or the end, found `&` (write `&&`)"),
        ("a not in b", "[not] expected an operator or the end, found `not` (write `!(x in list)`)"),
        ("a foo", "[foo] expected an operator or the end, found `foo`"),
        ("f(a b)", "[b] expected an operator or the closing bracket, found `b`"),
        ("a &&", "[&&] expected a value after `&&`, found the end"),
        ("a && && b", "[&&] expected a value after `&&`, found `&&`"),
        ("(a", "[(] this `(` is never closed"),
        ("f(", "[(] this `(` is never closed"),
        ("a)", "[)] this `)` closes nothing"),
        ("f(a]", "[]] expected `)` for the `(` before, found `]`"),
        (
            "a == \u{201c}x\u{201d}",
            "[\u{201c}] `\u{201c}` has no meaning here (write text in straight quotes: `\"gold\"`)",
        ),
        (
            "a == \"x",
            "[\"x] this text has no closing quote (close it with the same quote; inside, write `\\\"` for a quote)",
        ),
        ("x < 5d", "[d] expected an operator or the end, found `d` (write `duration(\"5d\")`)"),
        ("1u", "[1u] unsigned numbers are not supported (write `1`)"),
        ("b'x'", "[b'x'] values of bytes are not supported (write text without the `b`: `\"gold\"`)"),
        (
            "{\"a\": 1}",
            "[{] a map cannot be written in a condition (compare the fields one by one, or write a list in `[ ]`)",
        ),
        (
            "a.?b",
            "[.] optional access is not needed (a missing value is never an error: write `.field` or `[key]`, and ask with `has(\u{2026})`)",
        ),
        ("for == 1", "[for] `for` is a word that the language keeps for itself"),
        (
            "x == 99999999999999999999",
            "[99999999999999999999] `99999999999999999999` is no whole number of 64 bits (whole numbers go from -9223372036854775808 to 9223372036854775807)",
        ),
        ("a ? b", "[?] this `?` has no `:` (write `condition ? value : other value`)"),
        ("f(1,)", "[)] expected a value after `,`, found `)`"),
        (
            "\"\\q\"",
            "[\"\\q\"] this text cannot be read (after `\\` comes one of `n`, `t`, `\\`, a quote, or `u` with four digits)",
        ),
        (
            "a &&\n  b == 1 && x == 99999999999999999999",
            "[99999999999999999999] `99999999999999999999` is no whole number of 64 bits (whole numbers go from -9223372036854775808 to 9223372036854775807)",
        ),
        ("a &&\n\n  for", "[for] `for` is a word that the language keeps for itself"),
        ("x == 1e999", "[1e999] `1e999` is no number of 64 bits"),
        ("x == -1.1e301", "[-1.1e301] this number is larger than 2^1000"),
        ("a.in", "[in] expected a name after `.`, found `in`"),
        ("a ?? b", "[?] expected a value after `?`, found `?`"),
    ];

    #[test]
    fn what_is_wrong_is_said_in_words() {
        for &(text, problem) in WHAT_IS_WRONG_IS_SAID_IN_WORDS {
            assert_eq!(shown(text), problem, "{text}");
        }
    }

    /// The parser must neither overflow its stack nor take long on what is let through to it.
    #[test]
    fn hostile_text_is_bounded() {
        let repeated = |unit: &str, times: usize| unit.repeat(times);
        for text in [
            repeated("(", 5000),
            repeated("(", 63) + "a" + &repeated(")", 63),
            repeated("[", 64) + &repeated("]", 64),
            repeated("!", 8000) + "a",
            repeated("-", 60) + "a",
            repeated("a+", 4000) + "a",
            repeated("a+", 60) + "a",
            repeated("a.", 4000) + "a",
            repeated("a&&", 2700) + "a",
            repeated("a||b&&", 1300) + "a",
            repeated("a?b:", 2000) + "a",
            repeated("a?b:", 60) + "a",
            repeated("f(a,", 60) + "a" + &repeated(")", 60),
            repeated("a<b<", 25) + "a",
            repeated("[a?b:(", 20) + "a" + &repeated(")]", 20),
            repeated("\"", 8191),
            repeated("\u{1F600}", 2000),
            "[".to_owned() + &repeated("1,", 4000) + "1]",
            "\u{0}".to_owned(),
        ] {
            let started = std::time::Instant::now();
            let _ = parse(&text);
            let elapsed = started.elapsed();
            assert!(elapsed.as_secs() < 5, "{elapsed:?}: {}", &text[..text.len().min(40)]);
        }
    }

    /// Whatever is cut out of or put into a condition, it is read or refused, with a place inside it.
    #[test]
    fn mangled_text_never_panics() {
        let seed = "events(\"\u{d6}l\").where(p in [1, -2.5] && has(q)).within('24h').count() >= 3 ? !vip : x[\"k\"].y";
        let pieces = [
            "(", ")", "[", "\"", "'", "!", "-", "?", ":", ".", ",", " in ", "\\", "\u{e9}", "&&", "//", "0x",
            "1e", "`", "{",
        ];
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = |bound: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % bound
        };
        for _ in 0..3_000 {
            let mut characters: Vec<char> = seed.chars().collect();
            for _ in 0..=next(3) {
                let place = next(characters.len());
                match next(3) {
                    0 => drop(characters.remove(place)),
                    1 => characters.truncate(place + 1),
                    _ => drop(characters.splice(place..place, pieces[next(pieces.len())].chars())),
                }
            }
            let text: String = characters.into_iter().collect();
            if let Err(problem) = parse(&text) {
                assert!(text.get(problem.at.clone()).is_some(), "{text}: {problem:?}");
                assert!(!problem.message.contains("something else"), "{text}: {problem:?}");
            }
        }
    }
}
