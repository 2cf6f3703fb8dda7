//! `helm template` as the tests drive it: a command line in, what is printed and said out.
#![allow(dead_code, reason = "not every test looks at all of it")]

use fjord_helm::capabilities::{Capabilities, KubeVersion};
use fjord_helm::chart::{Directory, Entry, Kind, Reader};
use fjord_helm::render::{Context, Release};
use fjord_helm::template::{Options, Rendered, template};
use fjord_helm::values::Sources;
use fjord_helm::{Chart, Level, Limits, Notices};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::machine::Machine;

/// What a run printed, said beside that, and whether it failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Printed {
    pub(crate) output: String,
    pub(crate) messages: String,
    pub(crate) failed: bool,
}

#[derive(Default)]
struct Arguments {
    positional: Vec<String>,
    sources: Sources,
    namespace: Option<String>,
    kube_version: Option<String>,
    api_versions: Vec<String>,
    show_only: Vec<String>,
    options: Options,
    is_upgrade: bool,
    no_hooks: bool,
    skip_tests: bool,
    debug: bool,
}

impl Arguments {
    fn read(given: &[String]) -> Self {
        let mut read = Self::default();
        let mut given = given.iter();
        let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        while let Some(argument) = given.next() {
            let mut value = || given.next().unwrap().clone();
            match argument.as_str() {
                "-f" | "--values" => read.sources.files.extend(list(&value())),
                "--set" => read.sources.typed.push(value()),
                "--set-string" => read.sources.strings.push(value()),
                "--set-json" => read.sources.json.push(value()),
                "--set-literal" => read.sources.literals.push(value()),
                "--set-file" => read.sources.contents.push(value()),
                "-n" | "--namespace" => read.namespace = Some(value()),
                "--kube-version" => read.kube_version = Some(value()),
                "-a" | "--api-versions" => read.api_versions.extend(list(&value())),
                "-s" | "--show-only" => read.show_only.push(value()),
                "--include-crds" => read.options.include_crds = true,
                "--skip-schema-validation" => read.options.skip_schema_validation = true,
                "--is-upgrade" => read.is_upgrade = true,
                "--no-hooks" => read.no_hooks = true,
                "--skip-tests" => read.skip_tests = true,
                "--debug" => read.debug = true,
                "--skip-crds" | "--disable-openapi-validation" => {}
                flag if flag.starts_with('-') => panic!("the tests know no {flag}"),
                _ => read.positional.push(argument.clone()),
            }
        }
        read
    }
}

/// Runs `helm template` with these arguments (a name, a chart, flags) in a folder.
pub(crate) fn run(folder: &Path, given: &[String]) -> Printed {
    let arguments = Arguments::read(given);
    let mut notices = Notices::default();
    let mut output = String::new();
    let result = render(folder, &arguments, &mut output, &mut notices);
    let least = if arguments.debug {
        Level::Debug
    } else {
        Level::Info
    };
    let mut messages = String::new();
    for notice in notices.iter().filter(|notice| notice.level >= least) {
        messages += &format!("{notice}\n");
    }
    let failed = result.is_err();
    if let Err(error) = result {
        messages += &format!("Error: {error}\n");
    }
    Printed {
        output,
        messages,
        failed,
    }
}

fn render(
    folder: &Path,
    arguments: &Arguments,
    output: &mut String,
    notices: &mut Notices,
) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let mut capabilities = Capabilities::default();
    if let Some(version) = &arguments.kube_version {
        capabilities.kube_version = KubeVersion::parse(version)
            .map_err(|error| format!("invalid kube version '{version}': {error}"))?;
    }
    capabilities
        .api_versions
        .extend(arguments.api_versions.iter().cloned());
    let [name, chart] = arguments.positional.as_slice() else {
        panic!("a name and a chart");
    };
    let mut read = |name: &str| {
        fs::read(folder.join(name)).map_err(|error| format!("open {name}: {}", words(error)))
    };
    // Helm locates the chart before it reads values and loads it afterwards.
    if arguments.debug {
        let fields = vec![("version", String::new())];
        notices.push(Level::Debug, "Original chart version", fields);
        let fields = vec![("path", chart.clone())];
        notices.push(Level::Debug, "Chart path", fields);
    }
    let values = arguments
        .sources
        .clone()
        .merge(&mut read)
        .map_err(|error| text(&error))?;
    let mut chart = load(&folder.join(chart), chart, notices)?;
    let release = Release {
        name: name.clone(),
        namespace: arguments.namespace.clone().unwrap_or("default".to_owned()),
        revision: 1,
        is_upgrade: arguments.is_upgrade,
    };
    let context = Context {
        release: &release,
        capabilities: &capabilities,
        host: &Machine,
        limits: fjord_gotemplate::Limits::default(),
        strict: false,
        cache: None,
    };
    let print = |rendered: &Rendered| {
        let stream = rendered.stream(!arguments.no_hooks, !arguments.skip_tests);
        if arguments.show_only.is_empty() {
            return Ok(stream);
        }
        let only = rendered.only(&stream, &arguments.show_only);
        only.map_err(|error| text(&error))
    };
    match template(&mut chart, &values, &context, arguments.options, notices) {
        Ok(rendered) => *output = print(&rendered)?,
        Err((error, rendered)) if error.has_release() => {
            if !arguments.debug {
                let advice = "Use --debug flag to render out invalid YAML";
                return Err(format!("{error}\n\n{advice}"));
            }
            *output = print(&rendered)?;
            return Err(text(&error));
        }
        Err((error, _)) => return Err(text(&error)),
    }
    Ok(())
}

fn load(path: &Path, name: &str, notices: &mut Notices) -> Result<Chart, String> {
    let limits = Limits::default();
    if path.is_file() {
        return Chart::from_archive(fs::read(path).unwrap(), &limits, notices)
            .map_err(|error| error.to_string());
    }
    Chart::from_directory(&Folder(path.to_owned(), name.to_owned()), &limits, notices)
        .map_err(|error| error.to_string())
}

/// A chart's folder and the name it goes by.
struct Folder(PathBuf, String);

impl Directory for Folder {
    fn name(&self) -> String {
        self.1.clone()
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, String> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.0.join(path)).map_err(words)? {
            let entry = entry.map_err(words)?;
            let kind = fs::metadata(entry.path()).map_err(words)?;
            entries.push(Entry {
                name: entry.file_name().to_string_lossy().into_owned(),
                kind: if kind.is_dir() {
                    Kind::Directory
                } else {
                    Kind::File(kind.len())
                },
            });
        }
        Ok(entries)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        fs::read(self.0.join(path)).map_err(words)
    }

    fn defer(&self, path: &str) -> Result<Option<Reader>, String> {
        let path = self.0.join(path);
        fs::File::open(&path).map_err(words)?;
        Ok(Some(Box::new(move || fs::read(&path).map_err(words))))
    }
}

fn words(error: io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        _ => error.to_string(),
    }
}
