//! The text of a catalog: one file, a folder of them, or given text.
//!
//! A folder's catalog is its `*.toml` and `*.json` files, in the order of their names; files whose
//! names begin with a dot and folders inside it are left alone, since editors and version control keep
//! their own things there.

use std::fs::{self, File};
use std::io::{ErrorKind as IoErrorKind, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use serde_json::{Value as Json, json};

use crate::base::error::{Error, ErrorKind};
use crate::base::limits::MAX_CATALOG_BYTES;
use crate::base::source_text::SourceFile;
use crate::model::published::Published;

/// What the language of what is published is called where a catalog is stored.
const PUBLISHED: &str = "published";

/// A catalog as text, not yet understood, and what is published beside it.
#[derive(Clone, Debug)]
pub(crate) struct CatalogText {
    files: Vec<SourceFile>,
    /// The languages of `files`, one each.
    languages: Vec<Language>,
    pub(crate) published: Published,
}

/// What a catalog file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Toml,
    Json,
}

impl CatalogText {
    /// Reads a catalog file, or the catalog files of a folder.
    ///
    /// A file is JSON if its name ends in `.json`, TOML if it ends in `.toml`; of another name, it is
    /// JSON if it begins with `{`, which no TOML does.
    ///
    /// # Errors
    /// If nothing is there, it cannot be read, is not UTF-8, is too large, or the folder holds no catalog.
    pub(crate) fn read(path: &Path) -> Result<CatalogText, Error> {
        let found = fs::metadata(path).map_err(|error| cannot_read(path, error))?;
        let paths = if found.is_dir() { catalog_files(path)? } else { vec![path.to_owned()] };
        let mut catalog = CatalogText::empty();
        let mut room = MAX_CATALOG_BYTES;
        for path in paths {
            let text = read_text(&path, room)?;
            room -= text.len();
            catalog.languages.push(language_of(&path, &text));
            catalog.files.push(SourceFile { name: path.display().to_string(), text });
        }
        Ok(catalog)
    }

    /// A catalog written in TOML.
    pub(crate) fn from_toml(text: &str) -> CatalogText {
        CatalogText::given(text, Language::Toml)
    }

    /// A catalog written in JSON.
    pub(crate) fn from_json(text: &str) -> CatalogText {
        CatalogText::given(text, Language::Json)
    }

    /// The text as one piece of JSON, from which [`CatalogText::unpack`] makes it again.
    pub(crate) fn pack(&self) -> String {
        let files = self.parts().map(|(file, language)| {
            let language = match language {
                Language::Toml => "toml",
                Language::Json => "json",
            };
            json!({ "name": file.name, "language": language, "text": file.text })
        });
        let published = json!({ "language": PUBLISHED, "values": self.published });
        Json::from_iter(files.chain((!self.published.is_empty()).then_some(published))).to_string()
    }

    /// The text that was packed; `None` if it is none.
    pub(crate) fn unpack(packed: &str) -> Option<CatalogText> {
        let mut catalog = CatalogText::empty();
        for file in serde_json::from_str::<Json>(packed).ok()?.as_array()? {
            catalog.languages.push(match file.get("language")?.as_str()? {
                "toml" => Language::Toml,
                "json" => Language::Json,
                PUBLISHED => {
                    catalog.published = Published::deserialize(file.get("values")?).ok()?;
                    continue;
                }
                _ => return None,
            });
            let field = |name| Some(file.get(name)?.as_str()?.to_owned());
            catalog.files.push(SourceFile { name: field("name")?, text: field("text")? });
        }
        (!catalog.files.is_empty()).then_some(catalog)
    }

    /// The same files, with other published values.
    #[must_use]
    pub(crate) fn publishing(self, published: Published) -> CatalogText {
        CatalogText { published, ..self }
    }

    /// Whether its authors wrote the same files.
    pub(crate) fn has_files_of(&self, other: &CatalogText) -> bool {
        self.files == other.files && self.languages == other.languages
    }

    /// The files, in the order they are read.
    pub(crate) fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// The files, for good.
    pub(crate) fn into_files(self) -> Vec<SourceFile> {
        self.files
    }

    /// The files, each with its language.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&SourceFile, Language)> {
        self.files.iter().zip(self.languages.iter().copied())
    }

    fn given(text: &str, language: Language) -> CatalogText {
        let text = without_mark(text).to_owned();
        CatalogText {
            files: vec![SourceFile { name: "<catalog>".to_owned(), text }],
            languages: vec![language],
            published: Published::default(),
        }
    }

    fn empty() -> CatalogText {
        CatalogText { files: Vec::new(), languages: Vec::new(), published: Published::default() }
    }
}

/// The byte order mark that some editors write is no part of the text.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn language_of(path: &Path, text: &str) -> Language {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("toml") => Language::Toml,
        Some("json") => Language::Json,
        _ if text.trim_start().starts_with('{') => Language::Json,
        _ => Language::Toml,
    }
}

fn catalog_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| cannot_read(folder, error))? {
        let path = entry.map_err(|error| cannot_read(folder, error))?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        if !hidden && matches!(extension.as_deref(), Some("toml" | "json")) && path.is_file() {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        let message =
            format!("the folder `{}` holds no catalog: no `.toml` or `.json` file", folder.display());
        return Err(Error::new(ErrorKind::InvalidCatalog, message));
    }
    paths.sort();
    Ok(paths)
}

fn read_text(path: &Path, room: usize) -> Result<String, Error> {
    let file = File::open(path).map_err(|error| cannot_read(path, error))?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(room).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(|error| cannot_read(path, error))?;
    if bytes.len() > room {
        return Err(Error::new(ErrorKind::InvalidCatalog, too_large(&path.display().to_string())));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(without_mark(&text).to_owned()),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            let message = format!(
                "`{}` is not UTF-8 text: line {line} holds other bytes (offset {at}); save it as UTF-8",
                path.display()
            );
            Err(Error::new(ErrorKind::InvalidCatalog, message).caused_by(error))
        }
    }
}

/// What is said of a catalog beyond its bound.
pub(super) fn too_large(name: &str) -> String {
    let limit = MAX_CATALOG_BYTES / (1024 * 1024);
    format!("`{name}` is too large: a catalog has at most {limit} MiB")
}

fn cannot_read(path: &Path, error: std::io::Error) -> Error {
    let path = path.display();
    let (kind, message) = match error.kind() {
        IoErrorKind::NotFound => (ErrorKind::NotFound, format!("there is no catalog `{path}`")),
        _ => (ErrorKind::Io, format!("cannot read the catalog `{path}`: {error}")),
    };
    Error::new(kind, message).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new folder of its own; tests run side by side.
    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("habitue-catalog-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn refused(path: &Path) -> (ErrorKind, String) {
        let error = CatalogText::read(path).unwrap_err();
        (error.kind(), error.to_string().replace(&path.display().to_string(), "PATH"))
    }

    #[test]
    fn a_folder_is_read_in_the_order_of_names() {
        let path = folder("order");
        for (name, text) in [("b.toml", "b"), ("a.JSON", "a"), (".c.toml", "c"), ("d.txt", "d")] {
            fs::write(path.join(name), text).unwrap();
        }
        fs::create_dir(path.join("e.toml")).unwrap();
        let catalog = CatalogText::read(&path).unwrap();
        let read: Vec<_> = catalog.parts().map(|(file, language)| (file.text.as_str(), language)).collect();
        assert_eq!(read, [("a", Language::Json), ("b", Language::Toml)]);
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_reason() {
        let path = folder("refused");
        assert_eq!(
            refused(&path.join("none")),
            (ErrorKind::NotFound, "there is no catalog `PATH`".to_owned())
        );
        let none = "the folder `PATH` holds no catalog: no `.toml` or `.json` file".to_owned();
        assert_eq!(refused(&path), (ErrorKind::InvalidCatalog, none));
        let file = path.join("latin.toml");
        fs::write(&file, b"schema = 1\n# caf\xe9\n").unwrap();
        let latin =
            "`PATH` is not UTF-8 text: line 2 holds other bytes (offset 16); save it as UTF-8".to_owned();
        assert_eq!(refused(&file), (ErrorKind::InvalidCatalog, latin));
        File::create(&file).unwrap().set_len(MAX_CATALOG_BYTES as u64 + 1).unwrap();
        let large = "`PATH` is too large: a catalog has at most 64 MiB".to_owned();
        assert_eq!(refused(&file), (ErrorKind::InvalidCatalog, large));
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn a_byte_order_mark_is_no_text_and_a_brace_means_json() {
        let path = folder("mark");
        let file = path.join("catalog");
        fs::write(&file, "\u{feff} {}").unwrap();
        let catalog = CatalogText::read(&file).unwrap();
        assert_eq!((catalog.files[0].text.as_str(), catalog.languages[0]), (" {}", Language::Json));
        assert_eq!(CatalogText::from_toml("\u{feff}schema = 1").files[0].text, "schema = 1");
        fs::remove_dir_all(path).unwrap();
    }
}
