//! The kustomize build engine: pure, synchronous, without global state.
//!
//! [`build`] takes a [`FileSystem`] and the folder of a kustomization and gives back the objects that
//! kustomize v5.8.1 would print, in its order, each convertible to [`serde_json::Value`] and to the
//! exact bytes. It never touches the network, the clock or the environment; what it read is in
//! [`Build::read_set`]. Exec plugins, containerised functions and Helm charts are refused.
//!
//! ```
//! use fjord_kustomize::{MemoryFs, Options, build};
//!
//! let mut fs = MemoryFs::new();
//! fs.write("/app/kustomization.yaml", "namePrefix: my-\nresources: [cm.yaml]\n");
//! fs.write("/app/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n");
//! let built = build(&fs, "/app", &Options::default())?;
//! assert_eq!(
//!     built.to_yaml()?,
//!     "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: my-one\n"
//! );
//! # Ok::<(), fjord_kustomize::Error>(())
//! ```

mod build;
mod config;
mod decode;
mod documents;
mod error;
mod fieldspec;
pub mod fs;
mod generate;
mod id;
mod identified;
mod kustomization;
mod loader;
mod origin;
mod plugin;
mod references;
mod remote;
mod resmap;
mod resource;
mod schema;
mod scope;
mod selector;
mod sort;
mod transform;
mod tree;
mod types;
mod variables;

pub use error::Error;
pub use fs::{FileSystem, MemoryFs, ReadSet, Recorder, RootedFs};
pub use id::{Gvk, ResId};
pub use kustomization::FILE_NAMES;
pub use remote::RepositoryUrl;
pub use resource::Resource;

/// Builds the kustomization in the folder `path`.
///
/// # Errors
/// Everything kustomize refuses, with its wording where tools match on it.
pub fn build(fs: &dyn FileSystem, path: &str, options: &Options<'_>) -> Result<Build, Error> {
    let (result, read_set, warnings) = build::run(fs, path, options);
    Ok(Build {
        resources: result?,
        read_set,
        warnings,
    })
}

/// Reads the objects of one manifest file as a build would, lists unwrapped.
///
/// ```
/// let text = b"kind: List\nitems:\n- {kind: Pod, metadata: {name: a}}\n- {kind: Pod, metadata: {name: b}}\n";
/// let objects = fjord_kustomize::decode(text, &fjord_yaml::Limits::default())?;
/// let names: Vec<&str> = objects.iter().map(|object| object.name()).collect();
/// assert_eq!(names, ["a", "b"]);
/// # Ok::<(), fjord_kustomize::Error>(())
/// ```
///
/// # Errors
/// What a build that lists the file would say of it: malformed YAML, an object without kind or name.
pub fn decode(bytes: &[u8], limits: &fjord_yaml::Limits) -> Result<Vec<Resource>, Error> {
    documents::read(bytes, limits)
}

/// Which files a kustomization may name (kustomize's `--load-restrictor`).
///
/// ```
/// use fjord_kustomize::{LoadRestrictor, MemoryFs, Options, build};
///
/// let mut fs = MemoryFs::new();
/// fs.write("/shared/pod.yaml", "kind: Pod\nmetadata: {name: a}\n");
/// fs.write("/app/kustomization.yaml", "resources: [../shared/pod.yaml]\n");
/// let error = build(&fs, "/app", &Options::default()).unwrap_err();
/// assert!(error.message().contains("file '/shared/pod.yaml' is not in or below '/app'"));
///
/// let options = Options { load_restrictor: LoadRestrictor::None, ..Options::default() };
/// assert_eq!(build(&fs, "/app", &options)?.resources.len(), 1);
/// # Ok::<(), fjord_kustomize::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoadRestrictor {
    /// Only files in or below the folder of the kustomization that names them.
    #[default]
    RootOnly,
    /// Any file the file system lets through; Flux's choice.
    None,
}

/// The order of the output where the root kustomization has no `sortOptions`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reorder {
    /// The order of accumulation; Flux's choice.
    #[default]
    None,
    /// Namespaces first, webhooks last; what the command prints by default.
    Legacy,
}

/// What a custom `openapi` schema does to the built-in one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SchemaMode {
    /// It takes its place, as in the command.
    #[default]
    Replace,
    /// It adds to it, as in Flux's set-up.
    Add,
}

/// Ceilings against hostile input; reaching one is [`Error::Limit`].
///
/// ```
/// use fjord_kustomize::{Error, Limits, MemoryFs, Options, build};
///
/// let mut fs = MemoryFs::new();
/// fs.write("/app/pods.yaml", "kind: Pod\nmetadata: {name: a}\n---\nkind: Pod\nmetadata: {name: b}\n");
/// fs.write("/app/kustomization.yaml", "resources: [pods.yaml]\n");
/// let limits = Limits { objects: 1, ..Limits::default() };
/// let error = build(&fs, "/app", &Options { limits, ..Options::default() }).unwrap_err();
/// assert!(matches!(error.root(), Error::Limit(_)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files read by one build.
    pub total_bytes: u64,
    /// Objects held at any time.
    pub objects: usize,
    /// Kustomizations nested in one another.
    pub depth: usize,
    /// YAML limits of each document.
    pub yaml: fjord_yaml::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            total_bytes: 512 << 20,
            objects: 200_000,
            depth: 128,
            yaml: fjord_yaml::Limits::default(),
        }
    }
}

/// Fetches what a kustomization names by URL. The engine itself has no network.
///
/// ```
/// use fjord_kustomize::{MemoryFs, Options, RemoteRoot, RemoteSource, build};
///
/// /// Has one checkout, made before the build.
/// struct Checkout;
///
/// impl RemoteSource for Checkout {
///     fn file(&self, url: &str) -> Result<Vec<u8>, String> {
///         Err(format!("{url} was not fetched"))
///     }
///
///     fn repository(&self, url: &str) -> Result<RemoteRoot, String> {
///         assert_eq!(url, "https://example.com/team/base.git//app?ref=v1");
///         Ok(RemoteRoot { clone_dir: "/checkout".to_owned(), root: "/checkout/app".to_owned() })
///     }
/// }
///
/// let mut fs = MemoryFs::new();
/// fs.write("/checkout/app/pod.yaml", "kind: Pod\nmetadata: {name: a}\n");
/// fs.write("/checkout/app/kustomization.yaml", "resources: [pod.yaml]\n");
/// let url = "https://example.com/team/base.git//app?ref=v1";
/// fs.write("/app/kustomization.yaml", format!("resources: [\"{url}\"]\n"));
///
/// let options = Options { remote: Some(&Checkout), ..Options::default() };
/// assert_eq!(build(&fs, "/app", &options)?.resources[0].name(), "a");
/// // Without a source it is refused by name.
/// let error = build(&fs, "/app", &Options::default()).unwrap_err();
/// assert!(error.message().contains(&format!("remote base '{url}' is not allowed")));
/// # Ok::<(), fjord_kustomize::Error>(())
/// ```
pub trait RemoteSource: Sync {
    /// Returns the body behind an `http://` or `https://` URL.
    ///
    /// # Errors
    /// The text the user reads, e.g. `HTTP Error: status code 404 (Not Found)`.
    fn file(&self, url: &str) -> Result<Vec<u8>, String>;

    /// Returns the folder, in the build's file system, of a checkout of the repository `url`.
    ///
    /// # Errors
    /// The text the user reads.
    fn repository(&self, url: &str) -> Result<RemoteRoot, String>;
}

/// A checkout made for one remote base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteRoot {
    /// The top folder of the checkout; bases below may not leave it.
    pub clone_dir: String,
    /// The folder to build, in or below `clone_dir`.
    pub root: String,
}

/// How to build.
///
/// ```
/// use fjord_kustomize::{LoadRestrictor, Options, SchemaMode};
///
/// // As the Flux controllers build; `Options::default()` builds as the command with `--reorder none`.
/// let flux = Options {
///     load_restrictor: LoadRestrictor::None,
///     schema_mode: SchemaMode::Add,
///     ..Options::default()
/// };
/// # let _ = flux;
/// ```
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// See [`LoadRestrictor`].
    pub load_restrictor: LoadRestrictor,
    /// See [`Reorder`].
    pub reorder: Reorder,
    /// Labels every object with `app.kubernetes.io/managed-by`.
    pub managed_by_label: bool,
    /// See [`SchemaMode`].
    pub schema_mode: SchemaMode,
    /// See [`Limits`].
    pub limits: Limits,
    /// Where remote files and bases come from; none: they are refused by name.
    pub remote: Option<&'a dyn RemoteSource>,
    /// The version the managed-by label names.
    pub version: &'a str,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            load_restrictor: LoadRestrictor::default(),
            reorder: Reorder::default(),
            managed_by_label: false,
            schema_mode: SchemaMode::default(),
            limits: Limits::default(),
            remote: None,
            version: "v5.8.1",
        }
    }
}

/// The outcome of a build.
///
/// ```
/// use fjord_kustomize::{MemoryFs, Options, build};
///
/// let mut fs = MemoryFs::new();
/// fs.write("/app/pod.yaml", "kind: Pod\nmetadata: {name: a}\n");
/// fs.write("/app/kustomization.yaml", "bases: []\nresources: [pod.yaml]\n");
/// let built = build(&fs, "/app", &Options::default())?;
/// assert_eq!(built.resources[0].to_value()?["metadata"]["name"], "a");
/// assert!(built.read_set.files.contains("/app/pod.yaml"));
/// // Had it been there, it would have been an error: a new file can change a build, too.
/// assert!(built.read_set.missing.contains("/app/kustomization.yml"));
/// assert!(built.warnings[0].contains("'bases' is deprecated"));
/// assert_eq!(built.to_yaml()?, "kind: Pod\nmetadata:\n  name: a\n");
/// # Ok::<(), fjord_kustomize::Error>(())
/// ```
#[derive(Debug)]
pub struct Build {
    /// The objects in output order.
    pub resources: Vec<Resource>,
    /// Every path read, and every path looked for and not found.
    pub read_set: ReadSet,
    /// Sentences for the user about deprecated fields and the like; they changed nothing.
    pub warnings: Vec<String>,
}

impl Build {
    /// Renders the stream `kustomize build` prints.
    ///
    /// # Errors
    /// A value that YAML cannot carry, e.g. two equal keys in one map.
    pub fn to_yaml(&self) -> Result<String, Error> {
        let mut text = String::new();
        for resource in &self.resources {
            if !text.is_empty() {
                text.push_str("---\n");
            }
            fjord_yaml::write_v2(&resource.node, &mut text)?;
        }
        Ok(text)
    }
}
