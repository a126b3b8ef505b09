package dashboard

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed assets
var assetFiles embed.FS

// assets are the style and the script, by the names under which browsers ask for them: a name holds the hash of what
// is behind it, which never changes.
type assets map[string][]byte

var assetTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}

func newAssets() (assets, error) {
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		return nil, fmt.Errorf("read the dashboard's assets: %w", err)
	}
	a := make(assets)
	for _, e := range entries {
		b, err := assetFiles.ReadFile("assets/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("read the dashboard's assets: %w", err)
		}
		sum := sha256.Sum256(b)
		ending := path.Ext(e.Name())
		a[strings.TrimSuffix(e.Name(), ending)+"."+hex.EncodeToString(sum[:8])+ending] = b
	}
	return a, nil
}

// address is where browsers find an asset.
func (a assets) address(name string) string {
	ending := path.Ext(name)
	stem := strings.TrimSuffix(name, ending) + "."
	for hashed := range a {
		if strings.HasPrefix(hashed, stem) && strings.HasSuffix(hashed, ending) {
			return Prefix + "assets/" + hashed
		}
	}
	return ""
}

func (a assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	b, ok := a[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", assetTypes[path.Ext(name)])
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
}
