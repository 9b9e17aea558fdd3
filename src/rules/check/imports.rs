//! Checks how rows of files become messages: that what columns become is there.

use std::collections::BTreeMap;

use crate::base::diagnostic::Finding;
use crate::base::names::{Names, nearest};
use crate::base::source_text::Spanned;
use crate::base::time::TimeFormat;
use crate::model::declaration::{Declarations, ImportDeclaration, SegmentDeclaration};
use crate::model::import_mapping::{ImportKind, ImportMapping};

use super::Catalog;

impl Catalog<'_> {
    /// The imports by name; what is wrong with them is reported.
    pub(super) fn imports(&mut self, declarations: &Declarations) -> BTreeMap<String, ImportMapping> {
        for import in &declarations.imports {
            match &import.body.mapping.kind {
                ImportKind::List(list) => self.imported_list(list, &import.body, declarations),
                _ => self.import(&import.body, declarations.strict),
            }
        }
        let imports = declarations.imports.iter();
        imports.map(|import| (import.name.value.clone(), import.body.mapping.clone())).collect()
    }

    fn import(&mut self, import: &ImportDeclaration, is_strict: bool) {
        let ImportMapping { time_format, zone, .. } = &import.mapping;
        if let Err(error) = TimeFormat::new(time_format.as_deref(), zone.as_deref()) {
            self.report.push(Finding::error("bad_time_format", import.times, error.to_string()));
        }
        match &import.mapping.kind {
            ImportKind::Identify => {
                for target in &import.targets {
                    self.import_target(target, "attribute", None, is_strict);
                }
            }
            ImportKind::Track(event) => match self.world.event_names.get(event) {
                Some(number) => {
                    for target in &import.targets {
                        self.import_target(target, "property", Some(number), is_strict);
                    }
                }
                None => {
                    let event = Spanned::new(event.clone(), import.span);
                    self.import_target(&event, "event", None, is_strict);
                }
            },
            // Which event a row is, it says itself.
            ImportKind::TrackByColumn(_) | ImportKind::List(_) => {}
        }
    }

    /// Reports a list that there is none.
    fn imported_list(&mut self, list: &str, import: &ImportDeclaration, declarations: &Declarations) {
        let segments = declarations.segments.iter();
        let lists = segments.filter(|segment| matches!(segment.body, SegmentDeclaration::Members(_)));
        let names: Vec<&str> = lists.map(|segment| &*segment.name.value).collect();
        if names.contains(&list) || self.world.is_left_out(list) {
            return;
        }
        let help = match nearest(list, names.iter().copied()) {
            _ if self.world.segment_names.get(list).is_some() => {
                format!("it is a segment with a condition; declare it as `{list} = {{ list = true }}`")
            }
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("declare `{list} = {{ list = true }}` in `[segments]`"),
        };
        let finding = Finding::error("unknown_name", import.span, format!("there is no list `{list}`"));
        self.report.push(finding.with_help(help));
    }

    /// Reports what a column becomes if nobody has declared it: a strict catalog would refuse every row, and of
    /// another one nothing could ask for it.
    fn import_target(
        &mut self,
        target: &Spanned<String>,
        what: &'static str,
        event: Option<u32>,
        is_strict: bool,
    ) {
        let Spanned { value: name, span } = target;
        let none = Names::default();
        let known = match (what, event) {
            ("attribute", _) => &self.world.attribute_names,
            ("property", Some(event)) => &self.world.events[event as usize].property_names,
            ("event", _) => &self.world.event_names,
            _ => &none,
        };
        if known.get(name).is_some() || self.world.is_left_out(name) {
            return;
        }
        let is_computed = what == "attribute"
            && (self.world.computed_names.get(name).is_some()
                || self.world.segment_names.get(name).is_some());
        let help = match nearest(name, known.iter()) {
            _ if is_computed => "it follows from what is known, and cannot be set".to_owned(),
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("declare the {what}, or leave the column out with `skip`"),
        };
        let message = format!("there is no {what} `{name}`");
        let finding = match is_strict || is_computed {
            true => Finding::error("unknown_name", *span, message),
            false => Finding::warning("undeclared_import", *span, message),
        };
        self.report.push(finding.with_help(help));
    }
}
