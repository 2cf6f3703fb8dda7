//! Helm charts as Helm 4.2.4 reads and renders them: loading, values, dependencies, schemas, templates, manifests, indexes.
//!
//! Pure: files come in as bytes, nothing is read from disk, network or clock. The surprise: values keep
//! the number types that Go gives them, because they show in what is printed.
//!
//! ```
//! use fjord_gotemplate::{Limits, Nowhere};
//! use fjord_helm::capabilities::Capabilities;
//! use fjord_helm::render::{Context, Release};
//! use fjord_helm::template::{Options, template};
//! use fjord_helm::{Chart, File, Notices, values};
//!
//! let files = vec![
//!     File::new("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n"),
//!     File::new("values.yaml", "replicas: 1\n"),
//!     File::new("templates/web.yaml", "kind: Web\nname: {{ .Release.Name }}\nreplicas: {{ .Values.replicas }}\n"),
//! ];
//! let mut notices = Notices::default();
//! let mut chart = Chart::from_files(files, &fjord_helm::Limits::default(), &mut notices)?;
//! let release = Release {
//!     name: "rel".into(),
//!     namespace: "default".into(),
//!     revision: 1,
//!     is_upgrade: false,
//! };
//! let capabilities = Capabilities::default();
//! let context = Context {
//!     release: &release,
//!     capabilities: &capabilities,
//!     host: &Nowhere,
//!     limits: Limits::default(),
//!     strict: false,
//!     cache: None,
//! };
//! let given = values::parse(b"replicas: 3")?;
//! let rendered = template(&mut chart, &given, &context, Options::default(), &mut notices)
//!     .map_err(|(error, _)| error)?;
//! assert_eq!(rendered.manifests[0].path, "shop/templates/web.yaml");
//! assert_eq!(rendered.manifests[0].content, "kind: Web\nname: rel\nreplicas: 3\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
pub mod capabilities;
pub mod chart;
pub mod dependencies;
pub mod files;
mod go;
pub mod index;
pub mod manifest;
mod notice;
pub mod origin;
pub mod render;
pub mod schema;
pub mod template;
pub mod values;
mod versions;

pub use chart::{Chart, File, Limits};
pub use notice::{Level, Notice, Notices};
