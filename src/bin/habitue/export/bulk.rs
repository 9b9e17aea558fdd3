//! Tables of all customers: profiles, memberships and transitions, as of one instant.

use habitue::{
    AttributeHandle, CustomerId, Declared, DeclaredName, OpenOptions, Question, Reply, SegmentHandle, Type,
    Value,
};
use serde_json::{Map, Value as Json, json};

use super::arguments::Arguments;
use super::table::{Column, Writing};
use super::transitions::{self, Past};
use crate::console::{Console, Output};
use crate::failure::{Exit, Failure, counted};
use crate::progress;

/// The columns with the id that a customer is shown under; one of the two is filled.
pub(super) const IDS: [&str; 2] = ["user_id", "anonymous_id"];
/// About how much memory the database may take meanwhile: each profile is asked once.
const MEMORY_BYTES: u64 = 256 * 1024 * 1024;

/// What is written of each customer.
struct Export {
    question: Question,
    profiles: Option<(Writing, Vec<AttributeHandle>)>,
    segments: Option<(Writing, Vec<(String, SegmentHandle)>)>,
}

pub(super) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let mut files: Vec<_> =
        [&arguments.profiles, &arguments.segments, &arguments.transitions].into_iter().flatten().collect();
    files.sort_unstable();
    if files.windows(2).any(|two| two[0] == two[1]) {
        return Err(Failure::Usage("the tables need a file each".to_owned()));
    }
    let options = OpenOptions::new().questions_only().memory_budget(MEMORY_BYTES);
    let database = arguments.asking.open_still(options, console)?;
    let mut export = Export::new(arguments, &database.declared())?;
    if export.profiles.is_some() || export.segments.is_some() {
        let question = std::mem::take(&mut export.question);
        let bar = progress::counting("customers", database.stats().profiles);
        database.ask_everybody(&question, |id, reply| {
            bar.inc(1);
            export.row(id, reply)
        })?;
        bar.finish_and_clear();
    }
    let past = transitions::write(arguments, &database, console)?;
    let mut written = Map::new();
    let mut lines = Vec::new();
    let tables = [
        ("profiles", &arguments.profiles, export.profiles.map(|(writing, _)| writing)),
        ("segments", &arguments.segments, export.segments.map(|(writing, _)| writing)),
    ];
    for (name, path, writing) in tables {
        let (Some(path), Some(writing)) = (path, writing) else { continue };
        let rows = writing.finish()?;
        lines.push(format!("{} in `{}`", counted(rows as usize, "row"), path.display()));
        written.insert(name.to_owned(), json!({ "file": path, "rows": rows }));
    }
    if let (Some(path), Some(Past { rows, shortened })) = (&arguments.transitions, past) {
        lines.push(format!("{} in `{}`", counted(rows as usize, "row"), path.display()));
        let told = json!({ "file": path, "rows": rows, "shortened": shortened });
        written.insert("transitions".to_owned(), told);
    }
    match Output::of(arguments.asking.json) {
        Output::Programs => {
            written.insert("at".to_owned(), Json::from(database.now().to_string()));
            console.json(&written)?;
        }
        Output::People => lines.iter().try_for_each(|line| console.line(line))?,
    }
    Ok(Exit::Ok)
}

impl Export {
    fn new(arguments: &Arguments, declared: &Declared) -> Result<Export, Failure> {
        let mut question = Question::new();
        let ids = IDS.map(|name| Column { name: name.to_owned(), ty: Type::String });
        let profiles = match &arguments.profiles {
            None => None,
            Some(path) => {
                let columns = columns(&arguments.column, declared)?;
                let handles = columns.iter().map(|column| question.attribute(&column.name)).collect();
                Some((Writing::new(path, &[&ids[..], &columns].concat())?, handles))
            }
        };
        let segments = match &arguments.segments {
            None => None,
            Some(path) => {
                let segment = Column { name: "segment".to_owned(), ty: Type::String };
                let names = declared.segments.iter();
                let handles = names.map(|name| (name.clone(), question.membership(name))).collect();
                Some((Writing::new(path, &[&ids[..], &[segment]].concat())?, handles))
            }
        };
        Ok(Export { question, profiles, segments })
    }

    fn row(&mut self, id: &CustomerId, reply: Reply<'_>) -> Result<(), Failure> {
        let ids = cells(id);
        if let Some((table, handles)) = &mut self.profiles {
            let cells = handles.iter().map(|handle| reply.attribute(*handle).cloned());
            table.row(&ids.iter().cloned().chain(cells).collect::<Vec<_>>())?;
        }
        if let Some((table, handles)) = &mut self.segments {
            for (name, _) in handles.iter().filter(|(_, handle)| reply.is_member(*handle)) {
                let [user, anonymous] = ids.clone();
                table.row(&[user, anonymous, Some(Value::string(name))])?;
            }
        }
        Ok(())
    }
}

/// The id that a customer is shown under, in its column.
pub(super) fn cells(id: &CustomerId) -> [Option<Value>; 2] {
    match id {
        CustomerId::User(id) => [Some(Value::string(id)), None],
        CustomerId::Anonymous(id) => [None, Some(Value::string(id))],
    }
}

/// The attributes that are written: those asked for, or all that are not computed.
fn columns(asked: &[String], declared: &Declared) -> Result<Vec<Column>, Failure> {
    let column = |DeclaredName { name, ty }: &DeclaredName| Column { name: name.clone(), ty: ty.clone() };
    let columns: Vec<Column> = match asked {
        [] => declared.attributes.iter().map(column).collect(),
        asked => {
            let find = |name: &String| {
                let mut all = declared.attributes.iter().chain(&declared.computed);
                let found = all.find(|declared| declared.name == *name).map(column);
                found.ok_or_else(|| {
                    let near = declared.near_attribute(name).map(|near| format!("; did you mean `{near}`?"));
                    let near = near.unwrap_or_default();
                    Failure::NotFound(format!("the catalog has no attribute `{name}`{near}"))
                })
            };
            asked.iter().map(find).collect::<Result<_, _>>()?
        }
    };
    match columns.iter().find(|column| IDS.contains(&&*column.name)) {
        Some(Column { name, .. }) => Err(Failure::Usage(format!(
            "the attribute `{name}` has the name of a column with the customer's id; say with --column which others to \
             write"
        ))),
        None => Ok(columns),
    }
}
