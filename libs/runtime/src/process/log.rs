//! Log lines in the layout that `flux logs` and everyone's log pipelines read: zap's under controller-runtime.
//!
//! JSON: `level`, `ts`, `msg`, then the fields of the pass (`controller`, `controllerGroup`, `controllerKind`, the
//! object under its kind, `namespace`, `name`, `reconcileID`), then those of the line. `ts` and `error` are always
//! strings: anything else ends `flux logs`. Parity: zap's logr knows no warning, so a warning is an `info`.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::{Event, Level, Subscriber, field::Visit};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields, format::JsonFields, format::Writer,
    },
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use super::args::{CommonArgs, LogEncoding, LogLevel};

/// Installs the log for the whole process; a second call changes nothing.
pub(super) fn init(args: &CommonArgs) {
    let layer = tracing_subscriber::fmt::layer()
        .fmt_fields(JsonFields::new())
        .event_format(Layout(args.log_encoding))
        .with_writer(std::io::stderr);
    let _ = tracing_subscriber::registry()
        .with(layer)
        .with(filter(args.log_level))
        .try_init();
}

/// Ours at the asked level; what libraries say is only for those who look for trouble.
fn filter(level: LogLevel) -> Targets {
    let (ours, theirs) = match level {
        LogLevel::Trace => (LevelFilter::TRACE, LevelFilter::DEBUG),
        LogLevel::Debug => (LevelFilter::DEBUG, LevelFilter::INFO),
        LogLevel::Info => (LevelFilter::INFO, LevelFilter::OFF),
        LogLevel::Error => (LevelFilter::ERROR, LevelFilter::OFF),
    };
    Targets::new()
        .with_default(theirs)
        .with_target("fjord", ours)
}

struct Layout(LogEncoding);

impl<S, N> FormatEvent<S, N> for Layout
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Line::default();
        for span in ctx
            .event_scope()
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>()
                && let Ok(Value::Object(fields)) = serde_json::from_str(&fields.fields)
            {
                line.fields.extend(fields);
            }
        }
        event.record(&mut line);
        line.name_object();
        let now = Timestamp::now();
        let text = match self.0 {
            LogEncoding::Json => line.json(event.metadata().level(), now),
            LogEncoding::Console => line.console(event.metadata().level(), now),
        };
        writeln!(writer, "{text}")
    }
}

#[derive(Default)]
struct Line {
    msg: String,
    fields: Map<String, Value>,
}

impl Line {
    /// Adds the object under its kind, as controller-runtime does.
    fn name_object(&mut self) {
        let text = |key: &str| {
            self.fields
                .get(key)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        if let (Some(kind), Some(namespace), Some(name)) =
            (text("controllerKind"), text("namespace"), text("name"))
        {
            self.fields.insert(
                kind,
                serde_json::json!({"name": name, "namespace": namespace}),
            );
        }
    }

    fn json(&self, level: &Level, now: Timestamp) -> String {
        let quote = |text: &str| Value::from(text).to_string();
        let mut text = format!(
            r#"{{"level":"{}","ts":"{}","msg":{}"#,
            name(level),
            stamp(now),
            quote(&self.msg)
        );
        for (key, value) in &self.fields {
            text.push_str(&format!(",{}:{value}", quote(key)));
        }
        text.push('}');
        text
    }

    fn console(&self, level: &Level, now: Timestamp) -> String {
        let mut text = format!(
            "{}\t{}\t{}",
            stamp(now),
            name(level).to_uppercase(),
            self.msg
        );
        if !self.fields.is_empty() {
            text.push('\t');
            text.push_str(&Value::from(self.fields.clone()).to_string());
        }
        text
    }

    fn put(&mut self, key: &str, value: Value) {
        let (key, value) = match (key, value) {
            ("message", Value::String(msg)) => {
                self.msg = msg;
                return;
            }
            ("error", error @ Value::String(_)) => (key.to_owned(), error),
            ("message" | "error", other) => (key.to_owned(), other.to_string().into()),
            // These three belong to the line itself.
            ("level" | "ts" | "msg", value) => (format!("field.{key}"), value),
            (key, value) => (key.to_owned(), value),
        };
        self.fields.insert(key, value);
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
        self.put(field.name(), Value::from(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        self.put(field.name(), Value::from(value));
    }

    fn record_i64(&mut self, field: &tracing::field::Field, value: i64) {
        self.put(field.name(), Value::from(value));
    }

    fn record_u64(&mut self, field: &tracing::field::Field, value: u64) {
        self.put(field.name(), Value::from(value));
    }

    fn record_f64(&mut self, field: &tracing::field::Field, value: f64) {
        self.put(field.name(), Value::from(value));
    }

    fn record_bool(&mut self, field: &tracing::field::Field, value: bool) {
        self.put(field.name(), Value::from(value));
    }
}

fn name(level: &Level) -> &'static str {
    match *level {
        Level::ERROR => "error",
        Level::WARN | Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

fn stamp(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(encoding: LogEncoding, level: LogLevel, say: impl FnOnce()) -> String {
        let sink = Sink::default();
        let writer = sink.clone();
        let layer = tracing_subscriber::fmt::layer()
            .fmt_fields(JsonFields::new())
            .event_format(Layout(encoding))
            .with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry()
            .with(layer)
            .with(filter(level));
        tracing::subscriber::with_default(subscriber, say);
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    fn pass() -> tracing::Span {
        tracing::info_span!(
            "reconcile",
            controller = "gitrepository",
            controllerGroup = "source.toolkit.fluxcd.io",
            controllerKind = "GitRepository",
            namespace = "apps",
            name = "web",
            reconcileID = "1-2",
        )
    }

    #[test]
    fn a_line_of_a_pass_has_the_fields_that_flux_logs_filters_by() {
        let text = logged(LogEncoding::Json, LogLevel::Info, || {
            pass().in_scope(|| tracing::info!(revision = "main@sha1:1", "stored artifact"));
        });
        assert!(text.starts_with(r#"{"level":"info","ts":"2"#), "{text}");
        let line: Value = serde_json::from_str(&text).unwrap();
        let expected = serde_json::json!({
            "level": "info", "ts": line["ts"], "msg": "stored artifact", "controller": "gitrepository",
            "controllerGroup": "source.toolkit.fluxcd.io", "controllerKind": "GitRepository",
            "GitRepository": {"name": "web", "namespace": "apps"}, "namespace": "apps", "name": "web",
            "reconcileID": "1-2", "revision": "main@sha1:1",
        });
        assert_eq!(line, expected);
        let ts = line["ts"].as_str().unwrap();
        assert!(ts.len() == 24 && ts.ends_with('Z'), "{ts}");
    }

    #[test]
    fn an_error_is_always_a_string() {
        let text = logged(LogEncoding::Json, LogLevel::Error, || {
            tracing::error!(error = 404, "no");
            tracing::error!(error = "gone \"away\"\n", "no");
        });
        let errors: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["error"].clone())
            .collect();
        assert_eq!(errors, ["404", "gone \"away\"\n"]);
    }

    #[test]
    fn a_warning_is_an_info_and_levels_filter() {
        let say = || {
            tracing::warn!("careful");
            tracing::debug!("detail");
            tracing::trace!("more");
            tracing::info!(target: "hyper", "library");
        };
        let levels = |level| -> Vec<String> {
            let lines = logged(LogEncoding::Json, level, say);
            lines
                .lines()
                .map(|l| {
                    serde_json::from_str::<Value>(l).unwrap()["level"]
                        .as_str()
                        .unwrap()
                        .into()
                })
                .collect()
        };
        assert_eq!(levels(LogLevel::Error), [] as [&str; 0]);
        assert_eq!(levels(LogLevel::Info), ["info"]);
        assert_eq!(levels(LogLevel::Debug), ["info", "debug", "info"]);
        assert_eq!(levels(LogLevel::Trace), ["info", "debug", "trace", "info"]);
    }

    #[test]
    fn the_console_encoding_is_separated_by_tabs() {
        let text = logged(LogEncoding::Console, LogLevel::Info, || {
            tracing::info!(a = 1, "hello");
        });
        let parts: Vec<&str> = text.trim_end().split('\t').collect();
        assert_eq!(parts[1..], ["INFO", "hello", r#"{"a":1}"#]);
    }
}
