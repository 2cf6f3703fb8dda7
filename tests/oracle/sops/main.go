// Command sops-oracle answers requests about SOPS files with the real library, one JSON object a line.
//
// A request names what is wanted ("encrypt", "decrypt", "round"), the format, the text in base64, and for
// encryption the rule. "round" reads a plain file and writes it again. SOPS_AGE_KEY holds the key for decryption.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	"github.com/getsops/sops/v3/age"
	"github.com/getsops/sops/v3/cmd/sops/common"
	"github.com/getsops/sops/v3/cmd/sops/formats"
	"github.com/getsops/sops/v3/config"
	"github.com/getsops/sops/v3/keys"
	"github.com/getsops/sops/v3/logging"
	"github.com/sirupsen/logrus"
)

type request struct {
	Op     string `json:"op"`
	Format string `json:"format"`
	// Output is the format that decrypted text is written in, if it is another.
	Output    string `json:"output"`
	Text      []byte `json:"text"`
	Recipient string `json:"recipient"`
	// Rule is the name of the metadata field that chooses what is encrypted, Value its value.
	Rule             string `json:"rule"`
	Value            string `json:"value"`
	MACOnlyEncrypted bool   `json:"mac_only_encrypted"`
	IgnoreMAC        bool   `json:"ignore_mac"`
}

type answer struct {
	Text  []byte `json:"text"`
	Error string `json:"error,omitempty"`
}

func main() {
	logging.SetLevel(logrus.FatalLevel)
	in := bufio.NewReader(os.Stdin)
	decoder := json.NewDecoder(in)
	encoder := json.NewEncoder(os.Stdout)
	for {
		var asked request
		if err := decoder.Decode(&asked); err != nil {
			return
		}
		var told answer
		text, err := handle(asked)
		if err != nil {
			told.Error = err.Error()
		} else {
			told.Text = text
		}
		if err := encoder.Encode(told); err != nil {
			return
		}
	}
}

func handle(asked request) (text []byte, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()
	store := common.StoreForFormat(formats.FormatFromString(asked.Format), config.NewStoresConfig())
	switch asked.Op {
	case "round":
		branches, err := store.LoadPlainFile(asked.Text)
		if err != nil {
			return nil, err
		}
		return store.EmitPlainFile(branches)
	case "encrypt":
		return encrypt(store, asked)
	case "decrypt":
		output := store
		if asked.Output != "" {
			output = common.StoreForFormat(formats.FormatFromString(asked.Output), config.NewStoresConfig())
		}
		return decrypt(store, output, asked)
	}
	return nil, errors.New("unknown request")
}

func encrypt(store common.Store, asked request) ([]byte, error) {
	branches, err := store.LoadPlainFile(asked.Text)
	if err != nil {
		return nil, err
	}
	if len(branches) < 1 {
		return nil, errors.New("file cannot be completely empty")
	}
	recipient, err := age.MasterKeyFromRecipient(asked.Recipient)
	if err != nil {
		return nil, err
	}
	tree := sops.Tree{Branches: branches, Metadata: sops.Metadata{
		KeyGroups:        []sops.KeyGroup{[]keys.MasterKey{recipient}},
		Version:          "3.13.2",
		MACOnlyEncrypted: asked.MACOnlyEncrypted,
	}}
	switch asked.Rule {
	case "", "unencrypted_suffix":
		tree.Metadata.UnencryptedSuffix = asked.Value
		if asked.Rule == "" {
			tree.Metadata.UnencryptedSuffix = sops.DefaultUnencryptedSuffix
		}
	case "encrypted_suffix":
		tree.Metadata.EncryptedSuffix = asked.Value
	case "unencrypted_regex":
		tree.Metadata.UnencryptedRegex = asked.Value
	case "encrypted_regex":
		tree.Metadata.EncryptedRegex = asked.Value
	case "unencrypted_comment_regex":
		tree.Metadata.UnencryptedCommentRegex = asked.Value
	case "encrypted_comment_regex":
		tree.Metadata.EncryptedCommentRegex = asked.Value
	default:
		return nil, errors.New("unknown rule")
	}
	key, failed := tree.GenerateDataKey()
	if len(failed) > 0 {
		return nil, errors.Join(failed...)
	}
	if err := common.EncryptTree(common.EncryptTreeOpts{DataKey: key, Tree: &tree, Cipher: aes.NewCipher()}); err != nil {
		return nil, err
	}
	return store.EmitEncryptedFile(tree)
}

func decrypt(store, output common.Store, asked request) ([]byte, error) {
	tree, err := store.LoadEncryptedFile(asked.Text)
	if err != nil {
		return nil, err
	}
	key, err := tree.Metadata.GetDataKey()
	if err != nil {
		return nil, err
	}
	cipher := aes.NewCipher()
	mac, err := tree.Decrypt(key, cipher)
	if err != nil {
		return nil, err
	}
	if !asked.IgnoreMAC {
		noted, err := cipher.Decrypt(
			tree.Metadata.MessageAuthenticationCode, key, tree.Metadata.LastModified.Format(time.RFC3339))
		if err != nil {
			return nil, err
		}
		if noted != mac {
			return nil, errors.New("MAC mismatch")
		}
	}
	return output.EmitPlainFile(tree.Branches)
}
