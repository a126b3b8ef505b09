package main

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/andybalholm/brotli"
)

// What customers download, in bytes by brotli at its best: a promise to every shop that embeds us. It is
// counted over HTTP, for the page of a real order.
func TestBudgets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.call(t, "POST", "/v1/orders", `{"items":[{"sku":"latte","quantity":2},{"sku":"cake","quantity":1}],"reference":"table-7"}`, w.secret())
	if a.status != http.StatusCreated {
		t.Fatalf("POST /v1/orders: %d %s", a.status, a.body)
	}
	var o order
	a.json(t, &o)
	page := w.call(t, "GET", "/checkout/"+o.Token+"?mode=inline&theme=light&lang=zh-CN", "", "Accept-Encoding: identity").body
	links := linksOf(page)
	script := links[slices.IndexFunc(links, func(l string) bool { return strings.HasPrefix(l, "/assets/frame.") })]
	program := links[slices.IndexFunc(links, func(l string) bool { return strings.HasSuffix(l, ".wasm") })]
	asset := func(path string) int { return len(w.call(t, "GET", path, "", "Accept-Encoding: br").body) }

	var table bytes.Buffer
	columns := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, b := range []struct {
		what        string
		bytes, most int
	}{
		{"the loader", asset("/v1/saoma.js"), 4 << 10},
		{"the page with the painted code and its style, and the frame's script", smallest(t, page) + asset(script), 12 << 10},
		{"the program", asset(program), 1_200_000},
	} {
		over := strings.Repeat("!", min(1, max(0, b.bytes-b.most)))
		if _, err := fmt.Fprintf(columns, "%d\tof %d\t%s  %s\t\n", b.bytes, b.most, over, b.what); err != nil {
			t.Fatal(err)
		}
		if b.bytes > b.most {
			t.Errorf("%s: %d bytes by brotli; the budget is %d", b.what, b.bytes, b.most)
		}
	}
	if err := columns.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("bytes by brotli -q 11:\n%s", table.String())
}

// smallest returns how many bytes are left of b by brotli at its best.
func smallest(t *testing.T, b []byte) int {
	t.Helper()
	var out bytes.Buffer
	w := brotli.NewWriterLevel(&out, brotli.BestCompression)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Len()
}
