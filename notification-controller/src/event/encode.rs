//! Encodes an event exactly as Go's `json.Marshal` does: declared field order, sorted map keys, HTML
//! characters escaped, times in whole UTC seconds.

use super::{Event, ObjectReference};

impl Event {
    /// Returns the bytes that Flux would send for this event.
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(512 + self.message.len());
        out.push_str("{\"involvedObject\":");
        write_reference(&mut out, &self.involved_object);
        write_member(&mut out, "severity", &self.severity);
        out.push_str(",\"timestamp\":");
        match &self.timestamp {
            Some(time) => write_string(&mut out, &time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            None => out.push_str("null"),
        }
        write_member(&mut out, "message", &self.message);
        write_member(&mut out, "reason", &self.reason);
        if !self.metadata.is_empty() {
            out.push_str(",\"metadata\":{");
            for (index, (key, value)) in self.metadata.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_string(&mut out, key);
                out.push(':');
                write_string(&mut out, value);
            }
            out.push('}');
        }
        write_member(&mut out, "reportingController", &self.reporting_controller);
        if !self.reporting_instance.is_empty() {
            write_member(&mut out, "reportingInstance", &self.reporting_instance);
        }
        out.push('}');
        out
    }
}

fn write_reference(out: &mut String, object: &ObjectReference) {
    out.push('{');
    let fields = [
        ("kind", &object.kind),
        ("namespace", &object.namespace),
        ("name", &object.name),
        ("uid", &object.uid),
        ("apiVersion", &object.api_version),
        ("resourceVersion", &object.resource_version),
        ("fieldPath", &object.field_path),
    ];
    let mut first = true;
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
        if !first {
            out.push(',');
        }
        first = false;
        write_string(out, name);
        out.push(':');
        write_string(out, value);
    }
    out.push('}');
}

fn write_member(out: &mut String, name: &str, value: &str) {
    out.push(',');
    write_string(out, name);
    out.push(':');
    write_string(out, value);
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_fields_in_the_declared_order_and_omits_empty_ones() {
        let mut event = Event::from_json(
            br#"{"reportingInstance":"pod","reportingController":"kc","metadata":{"b":"2","a":"1"},
                "reason":"R","message":"m","timestamp":"2024-05-01T10:00:00Z","severity":"info",
                "involvedObject":{"fieldPath":"f","resourceVersion":"7","apiVersion":"g/v1","uid":"u",
                "name":"n","namespace":"ns","kind":"K"}}"#,
        )
        .unwrap();
        assert_eq!(
            event.to_json(),
            r#"{"involvedObject":{"kind":"K","namespace":"ns","name":"n","uid":"u","apiVersion":"g/v1","resourceVersion":"7","fieldPath":"f"},"severity":"info","timestamp":"2024-05-01T10:00:00Z","message":"m","reason":"R","metadata":{"a":"1","b":"2"},"reportingController":"kc","reportingInstance":"pod"}"#
        );
        event = Event::default();
        assert_eq!(
            event.to_json(),
            r#"{"involvedObject":{},"severity":"","timestamp":null,"message":"","reason":"","reportingController":""}"#
        );
    }

    #[test]
    fn escapes_strings_like_go() {
        let event = Event {
            message: "<a>&\"\\\n\t\u{1}\u{8}\u{c}\u{7f}\u{2028}é😀".into(),
            ..Event::default()
        };
        let json = event.to_json();
        let message = json.split("\"message\":").nth(1).unwrap();
        assert!(
            message.starts_with(
                "\"\\u003ca\\u003e\\u0026\\\"\\\\\\n\\t\\u0001\\b\\f\u{7f}\\u2028é😀\""
            ),
            "{message}"
        );
    }

    #[test]
    fn what_was_decoded_encodes_to_the_same_event() {
        let event = Event {
            message: "line\n<b>".into(),
            timestamp: "2024-05-01T10:00:00Z".parse().ok(),
            ..Event::default()
        };
        assert_eq!(Event::from_json(event.to_json().as_bytes()).unwrap(), event);
    }
}
