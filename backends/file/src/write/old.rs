//! The rows that a Parquet file has, carried over into the file that replaces it.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use hybrid_core::Result;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Type as PhysicalType};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::SchemaDescriptor;

use super::parquet::{ParquetSink, write_error};
use super::temp::Output;
use crate::error::parquet_error;
use crate::listing::Listed;
use crate::read::{Cancel, ParquetFile, guarded};

/// Row groups at the end that are smaller are written anew together, so that many small appends do
/// not leave as many row groups.
const SMALL: u64 = 64 << 10;

/// What Arrow's own writers add to a file.
const ARROW_SCHEMA: &str = "ARROW:schema";

/// A file that is to be replaced.
pub(super) struct Old {
    file: ParquetFile,
    /// Whether the writer can make row groups of exactly this file's schema.
    same: bool,
}

impl Old {
    pub(super) fn open(listed: &Listed) -> Result<Self> {
        let file = ParquetFile::open_as_written(listed.clone())?;
        if is_writable(&file) {
            return Ok(Self { file, same: true });
        }
        // Old forms, such as times of 96 bits, become what they are read as.
        let file = ParquetFile::open(listed.clone())?;
        Ok(Self { file, same: false })
    }

    /// The file's columns.
    pub(super) fn schema(&self) -> &SchemaRef {
        self.file.schema()
    }

    /// A file that begins with all rows of this one.
    pub(super) fn copied(&self, output: Output, cancel: &Cancel) -> Result<ParquetSink> {
        let mut options = ArrowWriterOptions::new().with_properties(self.properties());
        if self.same {
            let descriptor = SchemaDescriptor::new(self.descriptor().root_schema_ptr());
            options = options.with_skip_arrow_metadata(true).with_parquet_schema(descriptor);
        }
        let mut sink = ParquetSink::with_options(output, self.schema(), options)?;
        let indexed = self.file.with_page_index()?;
        let copied = self.copied_groups();
        for group in 0..self.file.row_groups().len() {
            cancel.check()?;
            if group < copied {
                self.copy(group, indexed.as_ref(), &mut sink)?;
            } else {
                self.decode(group, &mut sink, cancel)?;
            }
        }
        Ok(sink)
    }

    /// How many row groups, from the first, are copied as they are.
    fn copied_groups(&self) -> usize {
        if !self.same {
            return 0;
        }
        let groups = self.file.row_groups().len();
        let small = (0..groups)
            .rev()
            .take_while(|group| self.file.rows(*group) < SMALL)
            .count();
        groups - small
    }

    fn descriptor(&self) -> &SchemaDescriptor {
        self.file.footer().file_metadata().schema_descr()
    }

    /// Compression and Bloom filters as the last row group has them, and the file's own notes.
    fn properties(&self) -> WriterProperties {
        let notes = self
            .file
            .footer()
            .file_metadata()
            .key_value_metadata()
            .cloned()
            .unwrap_or_default();
        let notes: Vec<_> = notes
            .into_iter()
            .filter(|note| self.same || note.key != ARROW_SCHEMA)
            .collect();
        let mut builder = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_key_value_metadata((!notes.is_empty()).then_some(notes));
        for column in self.file.row_groups().last().map_or(&[][..], |group| group.columns()) {
            builder = like(builder, column);
        }
        builder.build()
    }

    /// Copies a row group without decoding it.
    fn copy(&self, group: usize, indexed: Option<&ParquetMetaData>, sink: &mut ParquetSink) -> Result<()> {
        let metadata = &self.file.row_groups()[group];
        let mut columns = Vec::with_capacity(metadata.columns().len());
        for (leaf, column) in metadata.columns().iter().enumerate() {
            columns.push(ColumnCloseResult {
                bytes_written: column.byte_range().1,
                rows_written: self.file.rows(group),
                metadata: trusted(column)?,
                bloom_filter: self.file.bloom_filter(group, leaf)?,
                column_index: indexed.and_then(|m| column_index(m, group, leaf)),
                offset_index: indexed.and_then(|m| m.offset_index()?.get(group)?.get(leaf).cloned()),
            });
        }
        let mut target = sink.file.next_row_group().map_err(write_error)?;
        for column in columns {
            target.append_column(self.file.blob(), column).map_err(write_error)?;
        }
        target.close().map(drop).map_err(write_error)
    }

    fn decode(&self, group: usize, sink: &mut ParquetSink, cancel: &Cancel) -> Result<()> {
        let name = &self.file.listed().name;
        let all: Vec<usize> = (0..self.schema().fields().len()).collect();
        guarded(name, || {
            for batch in self.file.read(group, &all, None, None, None)? {
                cancel.check()?;
                let batch = batch.map_err(|error| crate::read::batch_error(name, error))?;
                sink.write(&RecordBatch::try_new(
                    Arc::clone(self.schema()),
                    batch.columns().to_vec(),
                )?)?;
            }
            Ok(())
        })
    }
}

/// Whether columns of this file, written from what they are read as, have its very form.
fn is_writable(file: &ParquetFile) -> bool {
    let old = file.footer().file_metadata().schema_descr();
    let Ok(new) = ArrowSchemaConverter::new().convert(file.schema()) else {
        return false;
    };
    let same = |leaf: usize| {
        let (a, b) = (old.column(leaf), new.column(leaf));
        a.physical_type() == b.physical_type()
            && a.max_def_level() == b.max_def_level()
            && a.max_rep_level() == b.max_rep_level()
            && (a.physical_type() != PhysicalType::FIXED_LEN_BYTE_ARRAY || a.type_length() == b.type_length())
    };
    let elsewhere = |column: &ColumnChunkMetaData| column.file_path().is_some();
    old.num_columns() == new.num_columns()
        && (0..old.num_columns()).all(same)
        && !file
            .row_groups()
            .iter()
            .any(|group| group.columns().iter().any(elsewhere))
}

fn like(builder: WriterPropertiesBuilder, column: &ColumnChunkMetaData) -> WriterPropertiesBuilder {
    let path = column.column_path().clone();
    let compression = match column.compression() {
        // Nobody writes it any more.
        Compression::LZO => Compression::SNAPPY,
        other => other,
    };
    let builder = builder.set_column_compression(path.clone(), compression);
    match column.bloom_filter_offset() {
        Some(_) => builder.set_column_bloom_filter_enabled(path, true),
        None => builder,
    }
}

/// A column's footer without what old writers computed wrongly: text compared as signed bytes.
fn trusted(column: &ColumnChunkMetaData) -> Result<ColumnChunkMetaData> {
    let outdated = column
        .statistics()
        .is_some_and(|statistics| statistics.is_min_max_deprecated());
    if outdated && column.column_type() == PhysicalType::BYTE_ARRAY {
        let cleared = column.clone().into_builder().clear_statistics().build();
        return cleared.map_err(|error| parquet_error("the file", error));
    }
    Ok(column.clone())
}

fn column_index(indexed: &ParquetMetaData, group: usize, leaf: usize) -> Option<ColumnIndexMetaData> {
    let index = indexed.column_index()?.get(group)?.get(leaf)?.clone();
    (!matches!(index, ColumnIndexMetaData::NONE)).then_some(index)
}
