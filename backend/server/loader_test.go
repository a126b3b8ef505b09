package server

import (
	"log/slog"
	"net/http/httptest"
	"testing"
	"testing/fstest"
)

// A loader that has had successors is served at the address of its version as it was released.
func TestEarlierLoaders(t *testing.T) {
	t.Parallel()
	s := &Server{PublicURL: "https://pay.example", Log: slog.New(slog.DiscardHandler), Files: fstest.MapFS{
		"dist/saoma.0123456789abcdef.js":     {Data: []byte(`window.Saoma={version:"1.2.0"}`)},
		"dist/v1-0-0.0123456789abcdef.js":    {Data: []byte(`the first`)},
		"dist/v1-0-0.0123456789abcdef.js.br": {Data: []byte(`packed`)},
		"dist/v1-10-3.0123456789abcdef.js":   {Data: []byte(`another`)},
	}}
	f, err := s.newFiles()
	if err != nil {
		t.Fatal(err)
	}
	shops, err := s.newShopFiles(f)
	if err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]string{"1.2.0": `window.Saoma={version:"1.2.0"}`, "1.0.0": "the first", "1.10.3": "another"} {
		loader := shops.pinned[version]
		if loader == nil {
			t.Errorf("%s is not served", version)
			continue
		}
		r := httptest.NewRequest("GET", "/", nil)
		w := httptest.NewRecorder()
		loader.ServeHTTP(w, r)
		if w.Body.String() != want || w.Header().Get("Cache-Control") != forever || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %q %v", version, w.Body, w.Header())
		}
	}
	if len(shops.pinned) != 3 {
		t.Errorf("%d versions", len(shops.pinned))
	}
}
