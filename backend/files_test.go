package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
)

var (
	linked = regexp.MustCompile(`(?:src|href)="(/[^"]*)"`)
	styled = regexp.MustCompile(`(?s)<style>(.*)</style>`)
)

// linksOf returns what a checkout page loads.
func linksOf(page []byte) (links []string) {
	for _, m := range linked.FindAllSubmatch(page, -1) {
		links = append(links, string(m[1]))
	}
	return links
}

// decoded undoes a content coding.
func decoded(t *testing.T, a answer) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(a.body)
	switch coding := a.header.Get("Content-Encoding"); coding {
	case "br":
		r = brotli.NewReader(r)
	case "gzip":
		var err error
		if r, err = gzip.NewReader(r); err != nil {
			t.Fatal(err)
		}
	case "":
	default:
		t.Fatalf("unknown coding %q", coding)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Everything that a page loads stands under a name that changes with the contents, and is kept for ever. It
// comes in the coding that the browser asks for, each with an ETag of its own.
func TestAssets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	links := linksOf(w.call(t, "GET", "/checkout/"+w.latte(t).Token, "").body)
	types := map[string]string{".js": "text/javascript; charset=utf-8", "wasm": "application/wasm"}
	if len(links) != 4 {
		t.Fatalf("the page loads %q; want the program and three scripts", links)
	}
	for _, link := range links {
		plain := w.call(t, "GET", link, "", "Accept-Encoding: identity")
		sum := sha256.Sum256(plain.body)
		if !strings.Contains(link, "."+hex.EncodeToString(sum[:8])+".") {
			t.Errorf("%s does not bear its hash, %x", link, sum[:8])
		}
		tags := []string{plain.header.Get("ETag")}
		for _, coding := range []string{"br", "gzip"} {
			a := w.call(t, "GET", link, "", "Accept-Encoding: "+coding)
			if a.header.Get("Content-Encoding") != coding || !bytes.Equal(decoded(t, a), plain.body) || len(a.body) > len(plain.body)*2/3 {
				t.Errorf("%s as %s: %d bytes of %d, %v", link, coding, len(a.body), len(plain.body), a.header)
			}
			for name, want := range map[string]string{
				"Content-Type": types[link[len(link)-len(".js"):]] + types[link[len(link)-len("wasm"):]],
				"Vary":         "Accept-Encoding", "Cache-Control": "public, max-age=31536000, immutable",
				"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
			} {
				if got := a.header.Get(name); got != want {
					t.Errorf("%s: %s is %q; want %q", link, name, got, want)
				}
			}
			tags = append(tags, a.header.Get("ETag"))
			again := w.call(t, "GET", link, "", "Accept-Encoding: "+coding, "If-None-Match: "+a.header.Get("ETag"))
			if again.status != http.StatusNotModified {
				t.Errorf("%s: asked whether it has changed: %d", link, again.status)
			}
		}
		slices.Sort(tags)
		if tags = slices.Compact(tags); len(tags) != 3 || slices.Contains(tags, "") {
			t.Errorf("%s: the codings share ETags: %q", link, tags)
		}
	}
}

// While servers are replaced, a page of the old one may ask the new one for its files.
func TestAssetsOfAnotherBuild(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.call(t, "GET", "/assets/frame.0123456789abcdef.js", "")
	if a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d, %v; want this build's script, and that nobody keeps it", a.status, a.header)
	}
	for _, path := range []string{"/assets/frame.js", "/assets/saoma.go", "/assets/dist", "/assets/..%2fsaoma.js"} {
		if a := w.call(t, "GET", path, ""); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

// The style in the page is the one that its policy allows, and nothing else may be styled or scripted.
func TestThePagesPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.call(t, "GET", "/checkout/"+w.latte(t).Token, "")
	style := styled.FindSubmatch(a.body)
	if style == nil || len(style[1]) < 1000 {
		t.Fatalf("there is no style in the page:\n%s", a.body)
	}
	sum := sha256.Sum256(style[1])
	policy := a.header.Get("Content-Security-Policy")
	want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"
	if !strings.Contains(policy, want) {
		t.Errorf("the policy %s has no %s", policy, want)
	}
	if strings.Contains(strings.ReplaceAll(policy, "'wasm-unsafe-eval'", ""), "unsafe") {
		t.Errorf("the policy allows something unsafe: %s", policy)
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "strict-origin",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp",
		"Cross-Origin-Resource-Policy": "cross-origin",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s is %q; want %q", name, got, want)
		}
	}
}

// The page fits into the first packets of a connection, in the coding that the browser asks for.
func TestThePageIsPacked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/checkout/" + w.latte(t).Token
	for accept, coding := range map[string]string{"br, gzip": "gzip", "gzip;q=0": "", "identity": ""} {
		a := w.call(t, "GET", path, "", "Accept-Encoding: "+accept)
		if a.header.Get("Content-Encoding") != coding || a.header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: %v", accept, a.header)
		}
		if !bytes.HasSuffix(decoded(t, a), []byte("</html>\n")) {
			t.Errorf("%s: the page has no end", accept)
		}
		if coding != "" && len(a.body) > 10*1460 {
			t.Errorf("%d bytes are more than ten packets", len(a.body))
		}
	}
}

// What shops embed: evergreen, or pinned with a hash.
func TestTheLoadersAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var release struct{ Version, URL, Integrity, Script string }
	w.call(t, "GET", "/v1/sri.json", "").json(t, &release)
	path, ours := strings.CutPrefix(release.URL, w.url)
	if !ours || path != "/v"+release.Version+"/saoma.js" || !strings.HasPrefix(path, "/v1.") {
		t.Fatalf("the pinned loader is at %s", release.URL)
	}
	for path, cache := range map[string]string{
		"/v1/saoma.js": "public, max-age=300, stale-while-revalidate=86400",
		path:           "public, max-age=31536000, immutable",
	} {
		a := w.call(t, "GET", path, "", "Accept-Encoding: br")
		script := decoded(t, a)
		sum := sha512.Sum384(script)
		if want := "sha384-" + base64.StdEncoding.EncodeToString(sum[:]); release.Integrity != want {
			t.Errorf("%s has %s; published is %s", path, want, release.Integrity)
		}
		if !regexp.MustCompile(`version: ?"` + regexp.QuoteMeta(release.Version) + `"`).Match(script) {
			t.Errorf("%s is not of version %s", path, release.Version)
		}
		for name, want := range map[string]string{
			"Cache-Control": cache, "Content-Encoding": "br", "Vary": "Accept-Encoding",
			"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin",
			"X-Content-Type-Options": "nosniff",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s is %q; want %q", path, name, got, want)
			}
		}
	}
	if a := w.call(t, "GET", "/v1.999.0/saoma.js", ""); a.status != http.StatusNotFound {
		t.Errorf("a version that is not ours: %d", a.status)
	}
	for _, part := range []string{release.URL, release.Integrity, `crossorigin="anonymous"`} {
		if !strings.Contains(release.Script, part) {
			t.Errorf("the tag %s has no %s", release.Script, part)
		}
	}
}

// The tag that we publish works in a page, and a loader of other bytes is refused by the browser.
func TestThePinnedLoaderInABrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var release struct{ URL, Integrity string }
	w.call(t, "GET", "/v1/sri.json", "").json(t, &release)
	v := w.open(t, "/nothing") // a page of the shop's origin without the loader
	load := func(integrity string) string {
		quoted, err := json.Marshal([]string{release.URL, integrity})
		if err != nil {
			t.Fatal(err)
		}
		evaluate[bool](t, v, `(([src, integrity]) => {
			window.loaded = '';
			const script = document.createElementNS('http://www.w3.org/1999/xhtml', 'script');
			Object.assign(script, {src, integrity, crossOrigin: 'anonymous'});
			script.onload = () => window.loaded = 'loaded';
			script.onerror = () => window.loaded = 'refused';
			document.documentElement.append(script);
			return true;
		})(`+string(quoted)+`)`)
		got := ""
		eventually(t, "the script is loaded or refused", func() bool {
			got = evaluate[string](t, v, `window.loaded`)
			return got != ""
		})
		return got
	}
	other := sha512.Sum384([]byte("other"))
	if got := load("sha384-" + base64.StdEncoding.EncodeToString(other[:])); got != "refused" {
		t.Errorf("a loader of other bytes: %s", got)
	}
	if got := load(release.Integrity); got != "loaded" {
		t.Errorf("the published hash: %s", got)
	}
}

// A shop's page that is isolated, as pages with threads in WebAssembly must be, frames the checkout too.
func TestAnIsolatedShop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := pageStart + loaderTag + `<saoma-checkout order="` + w.latte(t).Token + `"></saoma-checkout>`
	w.servePages(page, nil)
	shop := w.shop.http.Handler
	w.shop.http.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
		rw.Header().Set("Cross-Origin-Embedder-Policy", "require-corp")
		shop.ServeHTTP(rw, r)
	})
	v := w.open(t, "/page.html")
	if !evaluate[bool](t, v, `crossOriginIsolated`) {
		t.Error("the shop's page is not isolated")
	}
	v.scanned(t)
	v.live(t)
	v.wantNoFaults(t)
}
