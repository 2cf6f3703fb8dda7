// The real code of sealed-secrets 0.40 as the controller runs it by default: with spec.data, the form of before 2019.
//
//	sealedsecrets-oracle unseal KEY,KEY   SealedSecret on stdin -> Secret as YAML
//	sealedsecrets-oracle seal-whole CERT  Secret on stdin -> SealedSecret with spec.data as JSON
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/bitnami/sealed-secrets/pkg/apis/sealedsecrets/v1alpha1"
	"github.com/bitnami/sealed-secrets/pkg/kubeseal"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run() error {
	if err := v1alpha1.AddToScheme(scheme.Scheme); err != nil {
		return err
	}
	switch os.Args[1] {
	case "unseal":
		v1alpha1.AcceptDeprecatedV1Data = true
		return kubeseal.UnsealSealedSecret(os.Stdout, os.Stdin, strings.Split(os.Args[2], ","), "yaml", scheme.Codecs)
	case "seal-whole":
		file, err := os.Open(os.Args[2])
		if err != nil {
			return err
		}
		key, err := kubeseal.ParseKey(file)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		var secret v1.Secret
		if err := runtime.DecodeInto(scheme.Codecs.UniversalDecoder(), text, &secret); err != nil {
			return err
		}
		sealed, err := v1alpha1.NewSealedSecretV1(scheme.Codecs, key, &secret)
		if err != nil {
			return err
		}
		sealed.APIVersion, sealed.Kind = "bitnami.com/v1alpha1", "SealedSecret"
		return json.NewEncoder(os.Stdout).Encode(sealed)
	}
	return fmt.Errorf("unknown command %q", os.Args[1])
}
