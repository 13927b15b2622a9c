use std::ops::Range;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use hybrid_core::{Error, ErrorKind, Result, guarded};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowFilter,
    RowSelection, RowSelector,
};
use parquet::basic::Type as PhysicalType;
use parquet::bloom_filter::Sbbf;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};

use super::written;
use crate::error::{io_error, parquet_error};
use crate::listing::Listed;
use crate::storage::{Blob, Stamp};

/// A batch holds about this many bytes of values.
const BATCH_BYTES: usize = 16 << 20;
const BATCH_ROWS: Range<usize> = 1024..65_536;

/// A Parquet file and its footer.
#[derive(Debug)]
pub(crate) struct ParquetFile {
    listed: Listed,
    access: Access,
    metadata: ArrowReaderMetadata,
}

/// How the file's bytes are had after its footer.
#[derive(Debug)]
enum Access {
    /// Open as long as the footer is used, so that both stay of one file.
    Open(Blob),
    /// Opened anew each time, if it is still the same file.
    Anew(Stamp),
}

/// Smallest and largest value of a column, one element per row group.
pub(crate) struct Bounds {
    pub low: ArrayRef,
    pub high: ArrayRef,
}

impl ParquetFile {
    /// Opens the file and reads its footer.
    pub(crate) fn open(listed: Listed) -> Result<Self> {
        Self::open_as(listed, true)
    }

    /// Opens the file to rewrite it: columns keep the types they were written from.
    pub(crate) fn open_as_written(listed: Listed) -> Result<Self> {
        Self::open_as(listed, false)
    }

    fn open_as(listed: Listed, plain: bool) -> Result<Self> {
        let blob = listed.handle.open(&listed.name)?;
        let blob = blob
            .with_tail()
            .map_err(|error| io_error("read", &listed.name, error))?;
        let metadata = guarded(&listed.name, || {
            // The Arrow schema that writers add makes its reader panic when it is broken.
            let options = ArrowReaderOptions::new().with_skip_arrow_metadata(plain);
            let metadata = ArrowReaderMetadata::load(&blob, options).map_err(|e| parquet_error(&listed.name, e))?;
            check_extent(&listed.name, metadata.metadata(), blob.size())?;
            if plain { plain_types(metadata) } else { Ok(metadata) }.map_err(|e| parquet_error(&listed.name, e))
        })?;
        Ok(Self {
            listed,
            access: Access::Open(blob),
            metadata,
        })
    }

    /// The same file, not held open: a source may have more files than a process may open.
    pub(crate) fn released(mut self) -> Result<Self> {
        if let Access::Open(blob) = self.access {
            let stamp = blob
                .stamp()
                .map_err(|error| io_error("read", &self.listed.name, error))?;
            self.access = stamp.map_or_else(|| Access::Open(blob.without_ahead()), Access::Anew);
        }
        Ok(self)
    }

    pub(crate) fn listed(&self) -> &Listed {
        &self.listed
    }

    /// The file's columns.
    pub(crate) fn schema(&self) -> &SchemaRef {
        self.metadata.schema()
    }

    /// The file's footer.
    pub(crate) fn footer(&self) -> &ParquetMetaData {
        self.metadata.metadata()
    }

    /// The file's bytes.
    pub(crate) fn blob(&self) -> Result<Blob> {
        match &self.access {
            Access::Open(blob) => Ok(blob.clone()),
            Access::Anew(stamp) => self.listed.handle.reopen(&self.listed.name, stamp),
        }
    }

    /// A column's Bloom filter in a row group, if it has one.
    pub(crate) fn bloom_filter(&self, row_group: usize, leaf: usize) -> Result<Option<Sbbf>> {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.blob()?, self.metadata.clone());
        let bloom = builder.get_row_group_column_bloom_filter(row_group, leaf);
        bloom.map_err(|error| parquet_error(&self.listed.name, error))
    }

    pub(crate) fn row_groups(&self) -> &[RowGroupMetaData] {
        self.metadata.metadata().row_groups()
    }

    /// Rows of a row group.
    pub(crate) fn rows(&self, row_group: usize) -> u64 {
        self.row_groups()
            .get(row_group)
            .map_or(0, |group| u64::try_from(group.num_rows()).unwrap_or(0))
    }

    /// What the footer says of a column's values; `None` where it says nothing to rely on.
    pub(crate) fn bounds(&self, column: &str) -> Option<Bounds> {
        let (schema, parquet) = (self.metadata.schema(), self.metadata.parquet_schema());
        let converter = StatisticsConverter::try_new(column, schema, parquet).ok()?;
        let leaf = converter.parquet_column_index()?;
        // Old writers compared text and unsigned numbers as if they were signed.
        let outdated = |group: &RowGroupMetaData| {
            group
                .column(leaf)
                .statistics()
                .is_some_and(|s| s.is_min_max_deprecated())
        };
        if self.row_groups().iter().any(outdated) {
            return None;
        }
        Some(Bounds {
            low: converter.row_group_mins(self.row_groups()).ok()?,
            high: converter.row_group_maxes(self.row_groups()).ok()?,
        })
    }

    /// The file with its page index, which tells where in a row group times lie.
    pub(crate) fn with_page_index(&self) -> Result<Option<ParquetMetaData>> {
        // Its reader wants the places of all columns' pages, but what is on them only where it is known.
        let indexed = |group: &RowGroupMetaData| group.columns().iter().all(|c| c.offset_index_offset().is_some());
        if !self.row_groups().iter().all(indexed) {
            return Ok(None);
        }
        let blob = self.blob()?;
        guarded(&self.listed.name, || {
            let metadata = ParquetMetaData::clone(self.metadata.metadata());
            let mut reader =
                ParquetMetaDataReader::new_with_metadata(metadata).with_page_index_policy(PageIndexPolicy::Optional);
            let read = reader.read_page_indexes(&blob).and_then(|()| reader.finish());
            read.map(Some).map_err(|error| parquet_error(&self.listed.name, error))
        })
    }

    /// The rows of `row_group` on pages for which `keep(low, high, page)` is true.
    pub(crate) fn pages(
        &self,
        indexed: &ParquetMetaData,
        column: &str,
        row_group: usize,
        keep: impl Fn(&ArrayRef, &ArrayRef, usize) -> bool,
    ) -> Option<RowSelection> {
        let converter =
            StatisticsConverter::try_new(column, self.metadata.schema(), self.metadata.parquet_schema()).ok()?;
        let (columns, offsets) = (indexed.column_index()?, indexed.offset_index()?);
        let leaf = converter.parquet_column_index()?;
        if offsets.get(row_group)?.get(leaf)?.page_locations().is_empty() {
            return None;
        }
        let groups = [row_group];
        let low = converter.data_page_mins(columns, offsets, groups.iter()).ok()?;
        let high = converter.data_page_maxes(columns, offsets, groups.iter()).ok()?;
        let counts = converter
            .data_page_row_counts(offsets, indexed.row_groups(), groups.iter())
            .ok()??;
        let select = |page: usize| {
            let rows = usize::try_from(counts.value(page)).unwrap_or(0);
            if keep(&low, &high, page) {
                RowSelector::select(rows)
            } else {
                RowSelector::skip(rows)
            }
        };
        Some((0..counts.len()).map(select).collect::<Vec<_>>().into())
    }

    /// Reads the columns at `indices` of a row group: those rows that `selection` has and `filter`
    /// lets pass.
    pub(crate) fn read(
        &self,
        row_group: usize,
        indices: &[usize],
        indexed: Option<&Arc<ParquetMetaData>>,
        selection: Option<RowSelection>,
        filter: Option<RowFilter>,
    ) -> Result<ParquetRecordBatchReader> {
        let fail = |error: ParquetError| parquet_error(&self.listed.name, error);
        let metadata = match indexed {
            Some(indexed) => {
                let options = ArrowReaderOptions::new().with_schema(Arc::clone(self.metadata.schema()));
                ArrowReaderMetadata::try_new(Arc::clone(indexed), options).map_err(fail)?
            }
            None => self.metadata.clone(),
        };
        let mask = self.mask(indices);
        let blob = self.ahead(row_group, &mask)?;
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(blob, metadata)
            .with_row_groups(vec![row_group])
            .with_batch_size(self.batch_rows(row_group, &mask))
            .with_projection(mask);
        if let Some(selection) = selection {
            builder = builder.with_row_selection(selection);
        }
        if let Some(filter) = filter {
            builder = builder.with_row_filter(filter);
        }
        builder.build().map_err(fail)
    }

    /// The projection of top-level columns.
    pub(crate) fn mask(&self, indices: &[usize]) -> ProjectionMask {
        ProjectionMask::roots(self.metadata.parquet_schema(), indices.iter().copied())
    }

    fn ahead(&self, row_group: usize, mask: &ProjectionMask) -> Result<Blob> {
        let ranges: Vec<Range<u64>> = self
            .chunks(row_group, mask)
            .map(|chunk| {
                let (start, length) = chunk.byte_range();
                start..start + length
            })
            .collect();
        self.blob()?
            .with_ahead(&ranges)
            .map_err(|error| parquet_error(&self.listed.name, error.into()))
    }

    fn chunks<'a>(
        &'a self,
        row_group: usize,
        mask: &'a ProjectionMask,
    ) -> impl Iterator<Item = &'a parquet::file::metadata::ColumnChunkMetaData> {
        let columns = self
            .row_groups()
            .get(row_group)
            .map_or(&[][..], |group| group.columns());
        columns
            .iter()
            .enumerate()
            .filter(|(leaf, _)| mask.leaf_included(*leaf))
            .map(|(_, chunk)| chunk)
    }

    /// Wide rows come in smaller batches.
    fn batch_rows(&self, row_group: usize, mask: &ProjectionMask) -> usize {
        let bytes: u64 = self
            .chunks(row_group, mask)
            .map(|c| u64::try_from(c.uncompressed_size()).unwrap_or(0))
            .sum();
        let columns = self.chunks(row_group, mask).count() as u64;
        let width = (bytes / self.rows(row_group).max(1)).max(8 * columns).max(1);
        let rows = BATCH_BYTES / usize::try_from(width).unwrap_or(usize::MAX);
        rows.clamp(BATCH_ROWS.start, BATCH_ROWS.end)
    }
}

/// Refuses a footer that promises what the file cannot hold, before anything is allocated for it.
fn check_extent(name: &str, metadata: &ParquetMetaData, size: u64) -> Result<()> {
    let broken = |what: &str| {
        Err(Error::new(
            ErrorKind::Corrupt,
            format!("`{name}` cannot be read as Parquet: {what}"),
        ))
    };
    for group in metadata.row_groups() {
        if group.num_rows() < 0 {
            return broken("a row group has a negative number of rows");
        }
        for chunk in group.columns() {
            let start = chunk
                .dictionary_page_offset()
                .unwrap_or_else(|| chunk.data_page_offset());
            let parts = (u64::try_from(start), u64::try_from(chunk.compressed_size()));
            let (Ok(start), Ok(length)) = parts else {
                return broken("a column has a negative place or length");
            };
            if start.checked_add(length).is_none_or(|end| end > size) {
                return broken("a column lies outside the file");
            }
        }
    }
    Ok(())
}

/// Reads the old 96-bit times to the microsecond, which does not overflow, and what Parquet itself
/// cannot say as it was [written]. Dictionaries and views are plain arrays, which are faster here.
fn plain_types(metadata: ArrowReaderMetadata) -> Result<ArrowReaderMetadata, ParquetError> {
    let parquet = metadata.parquet_schema();
    let is_int96 = |root: usize| {
        (0..parquet.num_columns()).any(|leaf| {
            parquet.get_column_root_idx(leaf) == root && parquet.column(leaf).physical_type() == PhysicalType::INT96
        })
    };
    let written = written::types(metadata.metadata());
    let fields: Vec<Arc<Field>> = metadata
        .schema()
        .fields()
        .iter()
        .enumerate()
        .map(|(root, field)| {
            let plain = match (field.data_type(), written.get(root).and_then(Option::as_ref)) {
                (DataType::Timestamp(TimeUnit::Nanosecond, zone), _) if is_int96(root) => {
                    DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
                }
                (stored, Some(written)) if written::stands_for(stored, written) => written.clone(),
                _ => return Arc::clone(field),
            };
            Arc::new(field.as_ref().clone().with_data_type(plain))
        })
        .collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, metadata.schema().metadata().clone()));
    if &schema == metadata.schema() {
        return Ok(metadata);
    }
    let options = ArrowReaderOptions::new().with_schema(schema);
    // A type that cannot be read the plain way is read as it is.
    Ok(ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options).unwrap_or(metadata))
}

/// What reading a batch failed with.
pub(crate) fn batch_error(name: &str, error: ArrowError) -> Error {
    parquet_error(name, error.into())
}
