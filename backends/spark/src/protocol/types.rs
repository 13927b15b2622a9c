use prost::{Message, Oneof};

/// A Spark SQL type.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct DataType {
    #[prost(
        oneof = "Kind",
        tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30"
    )]
    pub(crate) kind: Option<Kind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Kind {
    #[prost(message, tag = "1")]
    Null(Plain),
    #[prost(message, tag = "2")]
    Binary(Plain),
    #[prost(message, tag = "3")]
    Boolean(Plain),
    #[prost(message, tag = "4")]
    Byte(Plain),
    #[prost(message, tag = "5")]
    Short(Plain),
    #[prost(message, tag = "6")]
    Integer(Plain),
    #[prost(message, tag = "7")]
    Long(Plain),
    #[prost(message, tag = "8")]
    Float(Plain),
    #[prost(message, tag = "9")]
    Double(Plain),
    #[prost(message, tag = "10")]
    Decimal(DecimalType),
    #[prost(message, tag = "11")]
    String(Collated),
    #[prost(message, tag = "12")]
    Char(Plain),
    #[prost(message, tag = "13")]
    VarChar(Plain),
    #[prost(message, tag = "14")]
    Date(Plain),
    #[prost(message, tag = "15")]
    Timestamp(Plain),
    #[prost(message, tag = "16")]
    TimestampNtz(Plain),
    #[prost(message, tag = "17")]
    CalendarInterval(Plain),
    #[prost(message, tag = "18")]
    YearMonthInterval(Plain),
    #[prost(message, tag = "19")]
    DayTimeInterval(Plain),
    #[prost(message, boxed, tag = "20")]
    Array(Box<ArrayType>),
    #[prost(message, tag = "21")]
    Struct(StructType),
    #[prost(message, boxed, tag = "22")]
    Map(Box<MapType>),
    #[prost(message, tag = "23")]
    Udt(Plain),
    #[prost(message, tag = "24")]
    Unparsed(Plain),
    #[prost(message, tag = "25")]
    Variant(Plain),
    #[prost(message, tag = "26")]
    Geometry(Plain),
    #[prost(message, tag = "27")]
    Geography(Plain),
    #[prost(message, tag = "28")]
    Time(Plain),
    #[prost(message, tag = "29")]
    TimestampNtzNanos(Plain),
    #[prost(message, tag = "30")]
    TimestampNanos(Plain),
}

/// A type of which nothing more needs to be known.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Plain {}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DecimalType {
    #[prost(int32, optional, tag = "1")]
    pub(crate) scale: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    pub(crate) precision: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Collated {
    /// How values compare; empty: by their bytes.
    #[prost(string, tag = "2")]
    pub(crate) collation: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ArrayType {
    #[prost(message, optional, boxed, tag = "1")]
    pub(crate) element: Option<Box<DataType>>,
    #[prost(bool, tag = "2")]
    pub(crate) contains_null: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StructType {
    #[prost(message, repeated, tag = "1")]
    pub(crate) fields: Vec<StructField>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StructField {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) data_type: Option<DataType>,
    #[prost(bool, tag = "3")]
    pub(crate) nullable: bool,
    /// What Spark notes of the column beside its type, as JSON without blanks.
    #[prost(string, optional, tag = "4")]
    pub(crate) metadata: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct MapType {
    #[prost(message, optional, boxed, tag = "1")]
    pub(crate) key: Option<Box<DataType>>,
    #[prost(message, optional, boxed, tag = "2")]
    pub(crate) value: Option<Box<DataType>>,
    #[prost(bool, tag = "3")]
    pub(crate) value_contains_null: bool,
}
