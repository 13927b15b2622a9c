//! Reads the part of the proto3 language that registry.proto uses: one thing to a line. The
//! compilers that read all of it cost more to build than this crate.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    MessageOptions, OneofDescriptorProto,
};

/// The description that `text` gives; the error names the line.
pub(super) fn parse(text: &str) -> Result<FileDescriptorProto, String> {
    let mut parser = Parser {
        file: FileDescriptorProto {
            name: Some("feast/core/registry.proto".to_owned()),
            ..FileDescriptorProto::default()
        },
        oneof: None,
        in_enum: false,
    };
    for (number, line) in text.lines().enumerate() {
        parser
            .line(line.trim())
            .ok_or_else(|| format!("line {}: {line}", number + 1))?;
    }
    Ok(parser.file)
}

struct Parser {
    file: FileDescriptorProto,
    oneof: Option<i32>,
    in_enum: bool,
}

impl Parser {
    fn line(&mut self, line: &str) -> Option<()> {
        let words: Vec<&str> = line.trim_end_matches(';').split_whitespace().collect();
        match words.as_slice() {
            [] | ["//", ..] => {}
            ["syntax", "=", name] => self.file.syntax = Some(name.trim_matches('"').to_owned()),
            ["package", name] => self.file.package = Some((*name).to_owned()),
            ["import", path] => self.file.dependency.push(path.trim_matches('"').to_owned()),
            ["message", name, "{"] => self.message(name),
            ["enum", name, "{"] => self.enumeration(name),
            ["oneof", name, "{"] => self.begin_oneof(name)?,
            ["}"] if self.oneof.is_some() => self.oneof = None,
            ["}"] => self.in_enum = false,
            [name, "=", number] if self.in_enum => self.enum_value(name, number.parse().ok()?)?,
            ["map<string,", "string>", name, "=", number] => self.map(name, number.parse().ok()?)?,
            ["repeated", kind, name, "=", number] => {
                self.field(Label::Repeated, kind, name, number.parse().ok()?)?;
            }
            [kind, name, "=", number] => self.field(Label::Optional, kind, name, number.parse().ok()?)?,
            _ => return None,
        }
        Some(())
    }

    fn message(&mut self, name: &str) {
        self.file.message_type.push(DescriptorProto {
            name: Some(name.to_owned()),
            ..DescriptorProto::default()
        });
    }

    fn enumeration(&mut self, name: &str) {
        self.in_enum = true;
        self.file.enum_type.push(EnumDescriptorProto {
            name: Some(name.to_owned()),
            ..EnumDescriptorProto::default()
        });
    }

    fn enum_value(&mut self, name: &str, number: i32) -> Option<()> {
        self.file.enum_type.last_mut()?.value.push(EnumValueDescriptorProto {
            name: Some(name.to_owned()),
            number: Some(number),
            options: None,
        });
        Some(())
    }

    fn begin_oneof(&mut self, name: &str) -> Option<()> {
        let message = self.file.message_type.last_mut()?;
        self.oneof = i32::try_from(message.oneof_decl.len()).ok();
        message.oneof_decl.push(OneofDescriptorProto {
            name: Some(name.to_owned()),
            options: None,
        });
        Some(())
    }

    fn field(&mut self, label: Label, kind: &str, name: &str, number: i32) -> Option<()> {
        let mut field = field(label, name, number);
        match kind {
            "string" => field.set_type(Type::String),
            "bytes" => field.set_type(Type::Bytes),
            "bool" => field.set_type(Type::Bool),
            "int32" => field.set_type(Type::Int32),
            // Message or enum: whoever builds the pool looks it up.
            name if name.contains('.') => field.type_name = Some(format!(".{name}")),
            name => field.type_name = Some(format!(".{}.{name}", self.file.package())),
        }
        field.oneof_index = self.oneof;
        self.file.message_type.last_mut()?.field.push(field);
        Some(())
    }

    /// A map is a repeated message of key and value, nested under a name made of the field's.
    fn map(&mut self, name: &str, number: i32) -> Option<()> {
        let entry = format!("{}Entry", camel(name));
        let package = self.file.package().to_owned();
        let message = self.file.message_type.last_mut()?;
        let mut map = field(Label::Repeated, name, number);
        map.set_type(Type::Message);
        map.type_name = Some(format!(".{package}.{}.{entry}", message.name()));
        let texts = [("key", 1), ("value", 2)].map(|(name, number)| {
            let mut text = field(Label::Optional, name, number);
            text.set_type(Type::String);
            text
        });
        message.field.push(map);
        message.nested_type.push(DescriptorProto {
            name: Some(entry),
            field: texts.into(),
            options: Some(MessageOptions {
                map_entry: Some(true),
                ..MessageOptions::default()
            }),
            ..DescriptorProto::default()
        });
        Some(())
    }
}

fn field(label: Label, name: &str, number: i32) -> FieldDescriptorProto {
    let mut field = FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        ..FieldDescriptorProto::default()
    };
    field.set_label(label);
    field
}

fn camel(name: &str) -> String {
    let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    name.split('_').filter(|word| !word.is_empty()).map(capital).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_line_it_does_not_know_is_named() {
        let error = parse("syntax = \"proto3\";\nmessage A {\n  group B = 1 {\n").unwrap_err();
        assert_eq!(error, "line 3:   group B = 1 {");
    }

    #[test]
    fn maps_and_oneofs_take_their_usual_form() {
        let file = parse("package p;\nmessage A {\nmap<string, string> join_key_map = 4;\noneof o {\nstring x = 1;\n}\nstring y = 2;\n}").unwrap();
        let a = &file.message_type[0];
        assert_eq!(a.field[0].type_name(), ".p.A.JoinKeyMapEntry");
        assert_eq!((a.field[1].oneof_index, a.field[2].oneof_index), (Some(0), None));
    }
}
