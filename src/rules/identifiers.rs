//! Which texts identify a customer, and as what: normalised, unless they are blocked.

use std::borrow::Cow;

use regex_lite::Regex;

use crate::base::diagnostic::{Finding, Report};
use crate::model::declaration::{Case, Declarations, IdentifierDeclaration, Spaces};
use crate::model::identifier::{Identifier, IdentifierKind};

/// The name of the rules for users' ids in a catalog.
const USER: &str = "userId";
/// The same for visitors' ids.
const ANONYMOUS: &str = "anonymousId";

/// The rules for all kinds of identifiers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IdentifierRules {
    pub(crate) user: IdentifierRule,
    pub(crate) anonymous: IdentifierRule,
    /// Of each attribute that is declared an identifier, in the order of the catalog.
    pub(crate) declared: Vec<(String, IdentifierRule)>,
}

/// How a text is read as an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    case: Case,
    spaces: Spaces,
}

/// The rule for one kind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IdentifierRule {
    pub(crate) form: Form,
    blocked: Vec<String>,
    patterns: Vec<Pattern>,
    /// Most of this kind that one profile may have.
    limit: Option<u32>,
}

/// A pattern; two are equal if they are written the same.
#[derive(Clone, Debug)]
struct Pattern(Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl IdentifierRules {
    /// The rules of a catalog; what is wrong with them goes into `report`.
    pub(crate) fn of(declarations: &Declarations, report: &mut Report) -> IdentifierRules {
        let is_identifier = |name: &str| {
            declarations.attributes.iter().any(|known| known.name.value == name && known.body.identifier)
        };
        for named in &declarations.identifiers {
            let name = &named.name.value;
            if name != USER && name != ANONYMOUS && !is_identifier(name) {
                let message = format!("`{name}` is no identifier of this catalog");
                let help =
                    format!("rules are for `{USER}`, `{ANONYMOUS}` and attributes with `identifier = true`");
                report.push(Finding::error("unknown_name", named.name.span, message).with_help(help));
            }
        }
        let mut rule = |name: &str, case: Case, spaces: Spaces| {
            let declared = declarations.identifiers.iter().find(|named| named.name.value == name);
            IdentifierRule::of(declared.map(|named| &named.body), case, spaces, report)
        };
        let attributes = declarations.attributes.iter().filter(|attribute| attribute.body.identifier);
        IdentifierRules {
            user: rule(USER, Case::Keep, Spaces::Keep),
            anonymous: rule(ANONYMOUS, Case::Keep, Spaces::Keep),
            declared: attributes
                .map(|attribute| {
                    let name = &attribute.name.value;
                    (name.clone(), rule(name, Case::Ignore, Spaces::Trim))
                })
                .collect(),
        }
    }

    /// Whether users' and visitors' ids are what they are written as, and nothing else identifies.
    pub(crate) fn keep_all(&self) -> bool {
        self.user.keeps_all() && self.anonymous.keeps_all() && self.declared.is_empty()
    }

    /// The rule for an attribute, if it is declared an identifier.
    pub(crate) fn declared(&self, attribute: &str) -> Option<&IdentifierRule> {
        self.declared.iter().find(|(name, _)| name == attribute).map(|(_, rule)| rule)
    }

    /// Most identifiers like this one that one profile may have.
    pub(crate) fn limit(&self, identifier: Identifier<'_>) -> Option<u32> {
        match identifier.kind {
            IdentifierKind::User => self.user.limit,
            IdentifierKind::Anonymous => self.anonymous.limit,
            IdentifierKind::Declared => self.declared(identifier.kind_name())?.limit,
        }
    }
}

impl IdentifierRule {
    fn of(
        declared: Option<&IdentifierDeclaration>,
        case: Case,
        spaces: Spaces,
        report: &mut Report,
    ) -> IdentifierRule {
        let mut rule = IdentifierRule {
            form: Form {
                case: declared.and_then(|declared| declared.case).unwrap_or(case),
                spaces: declared.and_then(|declared| declared.spaces).unwrap_or(spaces),
            },
            blocked: Vec::new(),
            patterns: Vec::new(),
            limit: declared.and_then(|declared| declared.limit),
        };
        let Some(declared) = declared else { return rule };
        rule.blocked = declared.blocked.iter().map(|blocked| rule.form.read(blocked).into_owned()).collect();
        for pattern in &declared.blocked_patterns {
            match Regex::new(&pattern.value) {
                Ok(regex) => rule.patterns.push(Pattern(regex)),
                Err(error) => {
                    let message = format!("this is no pattern: {error}");
                    report.push(Finding::error("bad_pattern", pattern.span, message));
                }
            }
        }
        rule
    }

    /// What a text is looked up as: one that is blocked by now may have been accepted before.
    pub(crate) fn look_up<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.read(text).unwrap_or(Cow::Borrowed(text))
    }

    fn keeps_all(&self) -> bool {
        let IdentifierRule { form: Form { case, spaces }, blocked, patterns, limit: _ } = self;
        *case == Case::Keep && *spaces == Spaces::Keep && blocked.is_empty() && patterns.is_empty()
    }

    /// What a text identifies by; nothing if it is blocked or empty.
    pub(crate) fn read<'a>(&self, text: &'a str) -> Option<Cow<'a, str>> {
        let normalised = self.form.read(text);
        let is_blocked = normalised.is_empty()
            || self.blocked.iter().any(|blocked| *blocked == *normalised)
            || self.patterns.iter().any(|pattern| pattern.0.is_match(&normalised));
        (!is_blocked).then_some(normalised)
    }
}

impl Form {
    /// A number for it, below 6, which is written down.
    pub(crate) fn code(self) -> u8 {
        let case = match self.case {
            Case::Keep => 0,
            Case::Ignore => 3,
        };
        case + match self.spaces {
            Spaces::Keep => 0,
            Spaces::Trim => 1,
            Spaces::Remove => 2,
        }
    }

    /// The form of that number.
    pub(crate) fn of_code(code: u8) -> Option<Form> {
        let case = if code < 3 { Case::Keep } else { Case::Ignore };
        let spaces = [Spaces::Keep, Spaces::Trim, Spaces::Remove].get(usize::from(code % 3)).copied();
        spaces.filter(|_| code < 6).map(|spaces| Form { case, spaces })
    }

    /// What a text is read as.
    pub(crate) fn read<'a>(self, text: &'a str) -> Cow<'a, str> {
        let spaced = match self.spaces {
            Spaces::Keep => Cow::Borrowed(text),
            Spaces::Trim => Cow::Borrowed(text.trim()),
            Spaces::Remove if text.contains(char::is_whitespace) => {
                Cow::Owned(text.split_whitespace().collect::<String>())
            }
            Spaces::Remove => Cow::Borrowed(text),
        };
        match self.case {
            Case::Ignore if spaced.chars().any(char::is_uppercase) => Cow::Owned(spaced.to_lowercase()),
            Case::Ignore | Case::Keep => spaced,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::source_text::{Span, Spanned};

    fn rule(case: Case, spaces: Spaces) -> IdentifierRule {
        let declared = IdentifierDeclaration {
            case: Some(case),
            spaces: Some(spaces),
            blocked: vec!["Unknown ".to_owned(), "0".to_owned()],
            blocked_patterns: vec![Spanned::new("^test".to_owned(), Span::default())],
            limit: None,
        };
        let mut report = Report::new(Vec::new());
        IdentifierRule::of(Some(&declared), Case::Keep, Spaces::Keep, &mut report)
    }

    #[test]
    fn forms_have_numbers() {
        for code in 0..6 {
            assert_eq!(Form::of_code(code).map(Form::code), Some(code));
        }
        assert_eq!((Form::of_code(6), Form::of_code(255)), (None, None));
    }

    #[test]
    fn texts_are_normalised_and_blocked_ones_identify_nobody() {
        let keep = rule(Case::Keep, Spaces::Keep);
        assert_eq!(keep.read(" Ana").as_deref(), Some(" Ana"));
        assert_eq!((keep.read("Unknown "), keep.read("test-7"), keep.read("")), (None, None, None));
        assert_eq!(keep.read("unknown").as_deref(), Some("unknown"));
        let loose = rule(Case::Ignore, Spaces::Trim);
        assert_eq!(loose.read(" Ana@X.Test ").as_deref(), Some("ana@x.test"));
        assert_eq!((loose.read("UNKNOWN"), loose.read("Test"), loose.read("  ")), (None, None, None));
        let phone = rule(Case::Keep, Spaces::Remove);
        assert_eq!(phone.read(" +49 30 12 ").as_deref(), Some("+493012"));
    }
}
