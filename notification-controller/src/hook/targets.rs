//! Which API serves the kinds that a Receiver wakes.

use std::fmt;

use fjord_crds::notification::v1::ReceiverResource;
use kube::api::{ApiResource, GroupVersionKind};

/// A kind of a certain API version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// API group, empty for core.
    pub group: String,
    /// API version without the group.
    pub version: String,
    /// Kind.
    pub kind: String,
}

impl Kind {
    /// Returns the kind that an entry names; some have a default API version (§4.4).
    pub(super) fn of(resource: &ReceiverResource) -> Result<Self, String> {
        let kind = resource.kind.as_str();
        let api_version = match (resource.api_version.as_deref(), kind) {
            (Some(given), _) => given,
            (
                None,
                "Bucket" | "HelmChart" | "HelmRepository" | "GitRepository" | "OCIRepository",
            ) => "source.toolkit.fluxcd.io/v1",
            (None, "ImageRepository") => "image.toolkit.fluxcd.io/v1",
            (None, "ArtifactGenerator") => "source.extensions.fluxcd.io/v1beta1",
            (None, _) => return Err(format!("apiVersion must be specified for kind {kind:?}")),
        };
        // Parity: what follows a second slash is ignored.
        let mut parts = api_version.split('/');
        let (group, version) = match (parts.next(), parts.next()) {
            (Some(group), Some(version)) => (group, version),
            (Some(version), None) => ("", version),
            (None, _) => ("", ""),
        };
        Ok(Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
        })
    }

    /// Returns the API resource; all kinds that a Receiver may name have regular plurals.
    pub fn resource(&self) -> ApiResource {
        ApiResource::from_gvk(&GroupVersionKind::gvk(
            &self.group,
            &self.version,
            &self.kind,
        ))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}/{}", self.kind, self.group, self.version)
    }
}

#[cfg(test)]
mod tests {
    use fjord_crds::notification::EventSourceKind;

    use super::*;

    #[test]
    fn kinds_have_the_plurals_of_the_api() {
        for (kind, plural) in [
            ("Bucket", "buckets"),
            ("GitRepository", "gitrepositories"),
            ("Kustomization", "kustomizations"),
            ("HelmRelease", "helmreleases"),
            ("HelmChart", "helmcharts"),
            ("HelmRepository", "helmrepositories"),
            ("ImageRepository", "imagerepositories"),
            ("ImagePolicy", "imagepolicies"),
            ("ImageUpdateAutomation", "imageupdateautomations"),
            ("OCIRepository", "ocirepositories"),
            ("ArtifactGenerator", "artifactgenerators"),
            ("ExternalArtifact", "externalartifacts"),
        ] {
            let resource = ReceiverResource {
                kind: EventSourceKind::from(kind),
                api_version: Some("g/v1".into()),
                ..ReceiverResource::default()
            };
            assert_eq!(Kind::of(&resource).unwrap().resource().plural, plural);
        }
    }

    #[test]
    fn only_sources_and_images_have_a_default_api_version() {
        let of = |kind: &str| {
            let kind = EventSourceKind::from(kind);
            Kind::of(&ReceiverResource {
                kind,
                ..ReceiverResource::default()
            })
        };
        assert_eq!(of("Bucket").unwrap().group, "source.toolkit.fluxcd.io");
        assert_eq!(
            of("ImageRepository").unwrap().group,
            "image.toolkit.fluxcd.io"
        );
        assert_eq!(
            of("Kustomization").unwrap_err(),
            "apiVersion must be specified for kind \"Kustomization\""
        );
    }
}
