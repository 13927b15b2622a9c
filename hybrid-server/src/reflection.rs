//! What the server tells of itself to gRPC's own tools: the Flight service, described from its wire format.

use hybrid_core::{Error, ErrorKind, Result};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto,
    ServiceDescriptorProto,
};
use tonic_reflection::server::v1::{ServerReflection, ServerReflectionServer};

const PACKAGE: &str = "arrow.flight.protocol";

/// Name, request, whether it is a stream, answer, whether that is one.
const METHODS: [(&str, &str, bool, &str, bool); 10] = [
    ("Handshake", "HandshakeRequest", true, "HandshakeResponse", true),
    ("ListFlights", "Criteria", false, "FlightInfo", true),
    ("GetFlightInfo", "FlightDescriptor", false, "FlightInfo", false),
    ("PollFlightInfo", "FlightDescriptor", false, "PollInfo", false),
    ("GetSchema", "FlightDescriptor", false, "SchemaResult", false),
    ("DoGet", "Ticket", false, "FlightData", true),
    ("DoPut", "FlightData", true, "PutResult", true),
    ("DoExchange", "FlightData", true, "FlightData", true),
    ("DoAction", "Action", false, "Result", true),
    ("ListActions", "Empty", false, "ActionType", true),
];

/// A message and its fields: name, number, and `bytes`, `string`, `int64`, `int32`, `double`, `bool` or a message;
/// `*` before it where it repeats.
type Message = (&'static str, &'static [(&'static str, i32, &'static str)]);

const MESSAGES: [Message; 17] = [
    (
        "HandshakeRequest",
        &[("protocol_version", 1, "int64"), ("payload", 2, "bytes")],
    ),
    (
        "HandshakeResponse",
        &[("protocol_version", 1, "int64"), ("payload", 2, "bytes")],
    ),
    ("Empty", &[]),
    ("ActionType", &[("type", 1, "string"), ("description", 2, "string")]),
    ("Criteria", &[("expression", 1, "bytes")]),
    ("Action", &[("type", 1, "string"), ("body", 2, "bytes")]),
    ("Result", &[("body", 1, "bytes")]),
    ("SchemaResult", &[("schema", 1, "bytes")]),
    // The type is an enumeration: 1 is a path, 2 a command.
    (
        "FlightDescriptor",
        &[("type", 1, "int32"), ("cmd", 2, "bytes"), ("path", 3, "*string")],
    ),
    (
        "FlightInfo",
        &[
            ("schema", 1, "bytes"),
            ("flight_descriptor", 2, "FlightDescriptor"),
            ("endpoint", 3, "*FlightEndpoint"),
            ("total_records", 4, "int64"),
            ("total_bytes", 5, "int64"),
            ("ordered", 6, "bool"),
            ("app_metadata", 7, "bytes"),
        ],
    ),
    (
        "PollInfo",
        &[
            ("info", 1, "FlightInfo"),
            ("flight_descriptor", 2, "FlightDescriptor"),
            ("progress", 3, "double"),
        ],
    ),
    (
        "FlightEndpoint",
        &[
            ("ticket", 1, "Ticket"),
            ("location", 2, "*Location"),
            ("app_metadata", 4, "bytes"),
        ],
    ),
    ("Location", &[("uri", 1, "string")]),
    ("Ticket", &[("ticket", 1, "bytes")]),
    (
        "FlightData",
        &[
            ("flight_descriptor", 1, "FlightDescriptor"),
            ("data_header", 2, "bytes"),
            ("app_metadata", 3, "bytes"),
            ("data_body", 1000, "bytes"),
        ],
    ),
    ("PutResult", &[("app_metadata", 1, "bytes")]),
    ("BasicAuth", &[("username", 2, "string"), ("password", 3, "string")]),
];

/// The reflection service.
///
/// # Errors
/// Unexpected: none in practice.
pub(crate) fn service() -> Result<ServerReflectionServer<impl ServerReflection>> {
    let files = FileDescriptorSet { file: vec![file()] };
    let builder = tonic_reflection::server::Builder::configure()
        .register_file_descriptor_set(files)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
    builder
        .build_v1()
        .map_err(|error| Error::new(ErrorKind::Unexpected, "the server cannot describe itself").with_cause(error))
}

fn file() -> FileDescriptorProto {
    FileDescriptorProto {
        name: Some("Flight.proto".to_owned()),
        package: Some(PACKAGE.to_owned()),
        syntax: Some("proto3".to_owned()),
        message_type: MESSAGES.iter().map(message).collect(),
        service: vec![ServiceDescriptorProto {
            name: Some("FlightService".to_owned()),
            method: METHODS.iter().map(method).collect(),
            options: None,
        }],
        ..FileDescriptorProto::default()
    }
}

fn full(name: &str) -> Option<String> {
    Some(format!(".{PACKAGE}.{name}"))
}

fn method(
    &(name, input, client_streams, output, server_streams): &(&str, &str, bool, &str, bool),
) -> MethodDescriptorProto {
    MethodDescriptorProto {
        name: Some(name.to_owned()),
        input_type: full(input),
        output_type: full(output),
        client_streaming: Some(client_streams),
        server_streaming: Some(server_streams),
        options: None,
    }
}

fn message((name, fields): &Message) -> DescriptorProto {
    DescriptorProto {
        name: Some((*name).to_owned()),
        field: fields.iter().map(field).collect(),
        ..DescriptorProto::default()
    }
}

fn field(&(name, number, kind): &(&str, i32, &str)) -> FieldDescriptorProto {
    let (kind, label) = match kind.strip_prefix('*') {
        Some(kind) => (kind, Label::Repeated),
        None => (kind, Label::Optional),
    };
    let scalar = match kind {
        "bytes" => Some(Type::Bytes),
        "string" => Some(Type::String),
        "int64" => Some(Type::Int64),
        "int32" => Some(Type::Int32),
        "double" => Some(Type::Double),
        "bool" => Some(Type::Bool),
        _ => None,
    };
    FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(label.into()),
        r#type: Some(scalar.unwrap_or(Type::Message).into()),
        type_name: scalar.is_none().then(|| full(kind)).flatten(),
        ..FieldDescriptorProto::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_that_is_named_is_there() {
        let known: Vec<&str> = MESSAGES.iter().map(|(name, _)| *name).collect();
        let of_methods = METHODS.iter().flat_map(|(_, input, _, output, _)| [*input, *output]);
        let of_fields = MESSAGES
            .iter()
            .flat_map(|(_, fields)| fields.iter().map(|(_, _, kind)| *kind));
        let messages = of_fields
            .map(|kind| kind.trim_start_matches('*'))
            .filter(|kind| kind.starts_with(char::is_uppercase));
        assert!(of_methods.chain(messages).all(|name| known.contains(&name)));
        assert!(service().is_ok());
    }
}
