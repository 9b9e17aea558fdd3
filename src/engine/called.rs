//! What a call says, in the terms of a catalog.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::base::error::{Error, ErrorKind};
use crate::base::names::nearest;
use crate::model::call::Call;
use crate::model::declaration::FieldDeclaration;
use crate::model::value::Value;
use crate::rules::at_call::AtCall;
use crate::rules::definitions::{Definitions, PersonalizationDefinition};

/// What a call says, in the terms of a catalog.
#[derive(Clone, Debug, Default)]
pub(crate) struct Called {
    /// Empty if the call says nothing.
    context: Vec<Option<Value>>,
    variants: Vec<(Arc<str>, Arc<str>)>,
}

impl Called {
    /// What `call` says.
    ///
    /// # Errors
    /// If a value has not its declared type, an experiment or variant is not there, or a strict catalog does
    /// not declare what is said.
    pub(crate) fn of(call: &Call, definitions: &Definitions) -> Result<Called, Error> {
        let mut called = Called::default();
        for (name, said) in call.context() {
            match definitions.context_names.get(name) {
                Some(number) => {
                    let place = number as usize;
                    called.context.resize(definitions.context.len(), None);
                    called.context[place] = value(name, said, &definitions.context[place])?;
                }
                None if definitions.strict => return Err(undeclared(name, definitions)),
                None => {}
            }
        }
        for (experiment, variant) in call.variants() {
            called.variants.push(given(experiment, variant, definitions)?);
        }
        Ok(called)
    }

    /// The same beside the properties of a trigger event.
    pub(crate) fn at_call<'a>(&'a self, trigger: &'a [Option<Value>]) -> AtCall<'a> {
        AtCall { trigger, context: &self.context, variants: &self.variants }
    }

    /// Whether it is all the same to a personalization.
    pub(crate) fn says_nothing_to(&self, definition: &PersonalizationDefinition) -> bool {
        self.variants.is_empty() && (self.context.is_empty() || !definition.reads_context)
    }

    /// What of it exposures keep.
    pub(crate) fn recorded(&self, definitions: &Definitions) -> Map<String, Json> {
        let recorded = definitions.recorded_context.iter();
        let said = recorded.filter_map(|said| {
            let value = self.context.get(said.index())?.as_ref()?;
            Some((definitions.context_names.name(said.0).to_owned(), value.to_json()))
        });
        said.collect()
    }
}

fn value(name: &str, said: &Json, declared: &FieldDeclaration) -> Result<Option<Value>, Error> {
    let problem = match Value::from_json(said, &declared.ty) {
        Ok(value) => match declared.refuses(value.as_ref()) {
            None => return Ok(value),
            Some(detail) => detail,
        },
        Err(mismatch) => format!("{}{}", mismatch.path, mismatch.reason),
    };
    Err(Error::new(ErrorKind::InvalidCall, format!("the call says that `{name}` is {said}: {problem}")))
}

fn undeclared(name: &str, definitions: &Definitions) -> Error {
    let hint = match nearest(name, definitions.context_names.iter()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => "; declare it under `[context]`".to_owned(),
    };
    let message = format!("the strict catalog does not say that a call may say `{name}`{hint}");
    Error::new(ErrorKind::InvalidCall, message)
}

fn given(experiment: &str, variant: &str, definitions: &Definitions) -> Result<(Arc<str>, Arc<str>), Error> {
    let Some(number) = definitions.experiment_names.get(experiment) else {
        let near = nearest(experiment, definitions.experiment_names.iter());
        let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        let message = format!("the catalog has no experiment `{experiment}`{near}");
        return Err(Error::new(ErrorKind::NotFound, message));
    };
    let variants = &definitions.experiment_variants[number as usize];
    let Some(known) = variants.iter().find(|known| ***known == *variant) else {
        let listed: Vec<String> = variants.iter().map(|name| format!("`{name}`")).collect();
        let message =
            format!("the experiment `{experiment}` has no variant `{variant}`, but {}", listed.join(", "));
        return Err(Error::new(ErrorKind::NotFound, message));
    };
    Ok((Arc::from(experiment), Arc::clone(known)))
}
