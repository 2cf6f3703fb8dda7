//! Git over HTTP(S): listing, incremental fetch into a bare mirror, trees; no Kubernetes.
