//! Parquet files whose pages are packed with zstd, which the `parquet` crate reads only with a C library: it
//! is asked for the pages as they are, as if they were not packed, and they are unpacked here.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::bloom_filter::Sbbf;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{FileReader, RowGroupReader};
use parquet::file::serialized_reader::{SerializedFileReader, SerializedPageReader};
use parquet::record::reader::RowIter;
use parquet::schema::types::Type;

use crate::ingest::zstd::Unpacked;

/// Largest page, unpacked.
const MAX_PAGE_BYTES: u64 = 1 << 30;

/// A Parquet file, from one of its row groups on.
pub(super) struct AnyPages {
    pub(super) reader: SerializedFileReader<File>,
    pub(super) file: Arc<File>,
    pub(super) first_group: usize,
}

struct Group<'a> {
    reader: Box<dyn RowGroupReader + 'a>,
    file: Arc<File>,
}

/// The pages of a column, as they come from a reader that does not unpack them.
struct ZstdPages(SerializedPageReader<File>);

impl FileReader for AnyPages {
    fn metadata(&self) -> &ParquetMetaData {
        self.reader.metadata()
    }

    fn num_row_groups(&self) -> usize {
        self.reader.num_row_groups() - self.first_group
    }

    fn get_row_group(&self, place: usize) -> Result<Box<dyn RowGroupReader + '_>> {
        let reader = self.reader.get_row_group(self.first_group + place)?;
        Ok(Box::new(Group { reader, file: Arc::clone(&self.file) }))
    }

    fn get_row_iter(&self, projection: Option<Type>) -> Result<RowIter<'_>> {
        RowIter::from_file(projection, self)
    }
}

impl RowGroupReader for Group<'_> {
    fn metadata(&self) -> &RowGroupMetaData {
        self.reader.metadata()
    }

    fn num_columns(&self) -> usize {
        self.reader.num_columns()
    }

    fn get_column_page_reader(&self, place: usize) -> Result<Box<dyn PageReader>> {
        let column = self.metadata().column(place);
        if !matches!(column.compression(), Compression::ZSTD(_)) {
            return self.reader.get_column_page_reader(place);
        }
        let as_it_is = column.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?;
        let rows = usize::try_from(self.metadata().num_rows()).unwrap_or_default();
        let pages = SerializedPageReader::new(Arc::clone(&self.file), &as_it_is, rows, None)?;
        Ok(Box::new(ZstdPages(pages)))
    }

    fn get_column_bloom_filter(&self, place: usize) -> Option<&Sbbf> {
        self.reader.get_column_bloom_filter(place)
    }

    fn get_row_iter(&self, projection: Option<Type>) -> Result<RowIter<'_>> {
        RowIter::from_row_group(projection, self)
    }
}

impl ZstdPages {
    fn unpack(page: Page) -> Result<Page> {
        Ok(match page {
            Page::DataPage {
                buf,
                num_values,
                encoding,
                def_level_encoding,
                rep_level_encoding,
                statistics,
            } => Page::DataPage {
                buf: unpacked(&buf, 0)?.into(),
                num_values,
                encoding,
                def_level_encoding,
                rep_level_encoding,
                statistics,
            },
            Page::DictionaryPage { buf, num_values, encoding, is_sorted } => {
                Page::DictionaryPage { buf: unpacked(&buf, 0)?.into(), num_values, encoding, is_sorted }
            }
            Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                num_nulls,
                num_rows,
                def_levels_byte_len,
                rep_levels_byte_len,
                is_compressed: true,
                statistics,
            } => Page::DataPageV2 {
                // The levels are never packed.
                buf: unpacked(&buf, def_levels_byte_len as usize + rep_levels_byte_len as usize)?.into(),
                num_values,
                encoding,
                num_nulls,
                num_rows,
                def_levels_byte_len,
                rep_levels_byte_len,
                is_compressed: false,
                statistics,
            },
            page @ Page::DataPageV2 { .. } => page,
        })
    }
}

/// The first so many bytes as they are, and the rest unpacked.
fn unpacked(bytes: &[u8], plain: usize) -> Result<Vec<u8>> {
    let wrong = |detail: String| ParquetError::General(format!("a page packed with zstd: {detail}"));
    let (plain, packed) =
        bytes.split_at_checked(plain).ok_or_else(|| wrong("it ends too early".to_owned()))?;
    let mut unpacked = plain.to_vec();
    Unpacked::new(packed)
        .take(MAX_PAGE_BYTES)
        .read_to_end(&mut unpacked)
        .map_err(|error| wrong(error.to_string()))?;
    Ok(unpacked)
}

impl Iterator for ZstdPages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Result<Page>> {
        self.get_next_page().transpose()
    }
}

impl PageReader for ZstdPages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.0.get_next_page()?.map(ZstdPages::unpack).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.0.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.0.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.0.at_record_boundary()
    }
}
