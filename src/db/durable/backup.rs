//! Backups: a folder with a base, the catalogs that were replaced, and a manifest, and nothing else.
//!
//! A backup is a data folder like any other, without a journal, as nothing came after its base, and
//! without a live store, which is made when it is opened. The manifest is written last: a folder without
//! one is no backup.

use std::fs;
use std::io;
use std::path::Path;

use crate::base::error::{Error, ErrorKind};
use crate::db::database::Database;
use crate::db::durable::base::{Base, base_path};
use crate::db::durable::catalogs;
use crate::db::durable::erasure_file;
use crate::db::durable::folder::{Folder, journal_folder};
use crate::db::durable::manifest::{Manifest, new_lineage};
use crate::persist::disk::failure::failed;
use crate::persist::disk::file_calls::Disk;
use crate::persist::disk::real_disk::RealDisk;
use crate::persist::disk::unfinished;
use crate::persist::record::erasure_book::ErasureBook;

/// How much of a file is copied at once.
const COPIED_BYTES: usize = 1024 * 1024;

impl Database {
    /// Writes a backup into a folder that is new or empty, while the database works: it holds everything
    /// accepted before the call. It can be opened where it is, or be brought elsewhere with
    /// [`Database::restore`].
    ///
    /// ```
    /// # let folder = std::env::temp_dir().join(format!("habitue-doc-backup-{}", std::process::id()));
    /// # let _ = std::fs::remove_dir_all(&folder);
    /// use habitue::{Catalog, Database, Message, OpenOptions};
    ///
    /// let catalog = Catalog::from_toml("schema = 1\n[attributes]\npoints = \"int\"\n")?;
    /// let database = OpenOptions::new().catalog(catalog).open(folder.join("shop"))?;
    /// database.apply(Message::identify("ana").with_trait("points", 7))?;
    /// database.backup(folder.join("backup"))?;
    ///
    /// Database::restore(folder.join("backup"), folder.join("other"))?;
    /// let other = Database::open(folder.join("other"))?;
    /// assert_eq!(other.attribute("ana", "points")?, Some(habitue::Value::Int(7)));
    /// # drop((database, other));
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidCall` if the folder is not empty or the database is in memory, `Damaged` if base or
    /// journal cannot be read, `Io`.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<(), Error> {
        let Some(upkeep) = &self.upkeep else {
            let message = "a database in memory has nothing on disk to back up; open it in a folder";
            return Err(Error::new(ErrorKind::InvalidCall, message));
        };
        upkeep.folder.back_up(to.as_ref())
    }

    /// Makes a data folder of a backup, in a folder that is new or empty, after checking every byte of
    /// the backup. A backup that was opened since is a database of its own: back that up.
    ///
    /// # Errors
    /// `NotFound` if there is no backup, `InvalidCall` if the folder is not empty or `from` was opened,
    /// `Damaged`, `Incompatible`, `Io`.
    pub fn restore(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<(), Error> {
        let book = erasure_file::read(&RealDisk, from.as_ref())?;
        Database::restore_with(from.as_ref(), to.as_ref(), book)
    }

    /// The same for a backup that is older than erasures of the database in `current`: whoever was erased
    /// there is erased from what is restored, the first time it is opened.
    ///
    /// ```
    /// # let folder = std::env::temp_dir().join(format!("habitue-doc-restore-{}", std::process::id()));
    /// # let _ = std::fs::remove_dir_all(&folder);
    /// use habitue::{Catalog, Database, Message, OpenOptions};
    ///
    /// let catalog = Catalog::from_toml("schema = 1\n[attributes]\npoints = \"int\"\n")?;
    /// let database = OpenOptions::new().catalog(catalog).open(folder.join("shop"))?;
    /// database.apply(Message::identify("ana").with_trait("points", 7))?;
    /// database.backup(folder.join("backup"))?;
    /// database.erase("ana")?;
    ///
    /// Database::restore_without_erased(folder.join("backup"), folder.join("other"), folder.join("shop"))?;
    /// assert_eq!(Database::open(folder.join("other"))?.attribute("ana", "points")?, None);
    /// # drop(database);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Database::restore`]; `InvalidCall` if the backup remembers erasures of another database.
    pub fn restore_without_erased(
        from: impl AsRef<Path>,
        to: impl AsRef<Path>,
        current: impl AsRef<Path>,
    ) -> Result<(), Error> {
        let (from, current) = (from.as_ref(), current.as_ref());
        let old = erasure_file::read(&RealDisk, from)?;
        let new = erasure_file::read(&RealDisk, current)?;
        if let (Some(old), Some(new)) = (&old, &new)
            && (old.key != new.key || old.receipts.len() > new.receipts.len())
        {
            let message = format!(
                "`{}` remembers other erasures than `{}`: it is no later state of the same database",
                current.display(),
                from.display()
            );
            return Err(Error::new(ErrorKind::InvalidCall, message));
        }
        let newer = new.map(ErasureBook::settled);
        Database::restore_with(from, to.as_ref(), newer.or(old))
    }

    fn restore_with(from: &Path, to: &Path, book: Option<ErasureBook>) -> Result<(), Error> {
        let disk = &RealDisk;
        let Some(manifest) = Manifest::read(disk, from)? else {
            let message = format!("`{}` holds no backup, or an unfinished one", from.display());
            return Err(Error::new(ErrorKind::NotFound, message));
        };
        if manifest.base == 0 || !is_empty(&journal_folder(from))? {
            let message = format!(
                "`{}` is a database that was opened, not a backup; make a backup of it, or open it there",
                from.display()
            );
            return Err(Error::new(ErrorKind::InvalidCall, message));
        }
        let base = Base::open(disk, base_path(from, manifest.base), manifest.base_sequence)?;
        base.file.verify(&mut |_| Ok(()))?;
        make_empty(disk, to)?;
        catalogs::copy(disk, from, to)?;
        copy(disk, &base.path, &base_path(to, manifest.base))?;
        if let Some(book) = book {
            erasure_file::write(disk, to, &book)?;
        }
        manifest.write(disk, to)
    }
}

impl Folder {
    fn back_up(&self, to: &Path) -> Result<(), Error> {
        make_empty(&*self.disk, to)?;
        catalogs::copy(&*self.disk, &self.path, to)?;
        // Until it is done, base and journal stay what they are.
        let _building = self.building.lock();
        let (manifest, old) = {
            let state = self.state.lock();
            (state.manifest.clone(), state.base.clone())
        };
        let up_to = self.journal.sync()?.0;
        let tail = self.tail(&manifest, Some(up_to))?;
        let new = self.write_base(&base_path(to, 1), old.as_ref(), tail, &manifest)?;
        self.copy_book(to)?;
        let erasures = self.tombstones.book().as_ref().map(ErasureBook::mark);
        Manifest { base: 1, erasures, has_journal: false, lineage: new_lineage(), ..new }
            .write(&*self.disk, to)
    }
}

/// Sees to it that there is an empty folder.
fn make_empty(disk: &dyn Disk, folder: &Path) -> Result<(), Error> {
    if !is_empty(folder)? {
        let message = format!("`{}` is not empty; name a folder that is new or empty", folder.display());
        return Err(Error::new(ErrorKind::InvalidCall, message));
    }
    disk.create_folder(folder).map_err(|error| failed("make", folder, error))
}

/// Whether a folder has nothing in it, or is not there.
fn is_empty(folder: &Path) -> Result<bool, Error> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(failed("list", folder, error)),
    }
}

/// Copies a file to stable storage, by way of an unfinished one.
fn copy(disk: &dyn Disk, from: &Path, to: &Path) -> Result<(), Error> {
    let unfinished = unfinished::begin(disk, to)?;
    let source = disk.open_read_only(from).map_err(|error| failed("open", from, error))?;
    let target = disk.create(&unfinished).map_err(|error| failed("make", &unfinished, error))?;
    let mut buffer = vec![0; COPIED_BYTES];
    let mut offset = 0;
    loop {
        let count = source.read_at(offset, &mut buffer).map_err(|error| failed("read", from, error))?;
        if count == 0 {
            break;
        }
        let written = target.write_at(offset, &buffer[..count]);
        written.map_err(|error| failed("write", &unfinished, error))?;
        offset += count as u64;
    }
    target.sync_data().map_err(|error| failed("sync", &unfinished, error))?;
    unfinished::finish(disk, &unfinished, to)
}
