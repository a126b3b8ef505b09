package main

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
)

// A pinned loader never changes. public/releases.json holds the hash of every version as it is published at
// /v1/sri.json; the loader that is built must have that of its version, and the earlier ones are served as they were.
func TestPublishedLoadersAreKept(t *testing.T) {
	t.Parallel()
	const list = "public/releases.json"
	text, err := os.ReadFile("../" + list)
	if err != nil {
		t.Fatal(err)
	}
	var published map[string]string
	if err := json.Unmarshal(text, &published); err != nil {
		t.Fatalf("%s: %v", list, err)
	}
	w := newWorld(t)
	var now struct{ Version, Integrity string }
	w.call(t, "GET", "/v1/sri.json", "").json(t, &now)
	if published[now.Version] != now.Integrity {
		t.Errorf(`the loader has changed, and its version has not. Shops may have pinned %s: get it from its release, keep it as
public/releases/v%s.js, and give public/saoma.js the next version. Then, or if no version was ever released, say in %s:
  "%s": "%s"`, now.Version, strings.ReplaceAll(now.Version, ".", "-"), list, now.Version, now.Integrity)
	}
	for version, integrity := range published {
		a := w.call(t, "GET", "/v"+version+"/saoma.js", "", "Accept-Encoding: identity")
		sum := sha512.Sum384(a.body)
		got := "sha384-" + base64.StdEncoding.EncodeToString(sum[:])
		if a.status != http.StatusOK || version != now.Version && got != integrity {
			t.Errorf("version %s, published with %s: %d, %s", version, integrity, a.status, got)
		}
	}
}
