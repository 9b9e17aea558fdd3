//! What a question says beside who asks: its arguments, as the library takes them.

use clap::Args;
use habitue::Call;
use serde_json::Value as Json;

/// The arguments of a command that decides.
#[derive(Debug, Args)]
pub(crate) struct Calling {
    /// Say something of where and how is asked, such as `store=oulu`: JSON, or else text
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    context: Vec<(String, String)>,
    /// Show what a variant of an experiment looks like, such as `banner=blue`
    #[arg(long, value_name = "EXPERIMENT=VARIANT", value_parser = assignment)]
    variant: Vec<(String, String)>,
}

impl Calling {
    /// The call.
    pub(crate) fn call(&self) -> Call {
        let call = self.context.iter().fold(Call::new(), |call, (name, said)| {
            let said = serde_json::from_str::<Json>(said).unwrap_or_else(|_| Json::from(said.as_str()));
            call.with(name, said)
        });
        let variants = self.variant.iter();
        variants.fold(call, |call, (experiment, variant)| call.with_variant(experiment, variant))
    }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write a name, `=` and a value")?;
    Ok((name.to_owned(), value.to_owned()))
}
