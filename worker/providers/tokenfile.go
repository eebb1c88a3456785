package providers

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// RefreshTokenFile keeps the latest refresh token of a login in a file that only its owner can read. Replicas that
// share the file share the token. A new configured token overrides the file.
type RefreshTokenFile string

// kept is the content of the file.
type kept struct {
	Of    string `json:"of"`            // a digest of the configured token
	Token string `json:"refresh_token"` // the latest
}

func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:8])
}

// Latest is part of [RefreshTokens]. Without a file the configured token is the latest.
func (f RefreshTokenFile) Latest(configured string) (string, error) {
	data, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return configured, nil
	}
	if err != nil {
		return "", err
	}
	var k kept
	if json.Unmarshal(data, &k) != nil {
		return "", errors.New(string(f) + " is not a file of a refresh token; remove it")
	}
	if k.Of != digest(configured) || k.Token == "" {
		return configured, nil
	}
	return k.Token, nil
}

// Keep is part of [RefreshTokens]. The file is replaced as a whole: a reader gets the former token or the latest.
func (f RefreshTokenFile) Keep(configured, latest string) error {
	data, err := json.Marshal(kept{digest(configured), latest})
	if err != nil {
		return err
	}
	next, err := os.CreateTemp(filepath.Dir(string(f)), ".refresh-token-*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(next.Name()) }() // after success the file no longer has this name
	_, err = next.Write(data)
	if err = errors.Join(err, next.Sync(), next.Close()); err != nil {
		return err
	}
	return os.Rename(next.Name(), string(f))
}
