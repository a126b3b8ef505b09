package main

import (
	"net/http"
	"strings"
	"testing"
)

type productJSON struct {
	SKU, Name string
	Price     int64
	Stock     *int64
	Reserved  int64
	Active    bool
	Version   int64
}

// A shop's program keeps its catalogue: it puts, reads, lists and deletes, and never over a sale.
func TestTheCatalogueByTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	put := func(sku, body string, headers ...string) answer {
		t.Helper()
		return w.call(t, "PUT", "/v1/products/"+sku, body, append(headers, w.secret())...)
	}
	bun := `{"name":"豆沙包","price":300,"stock":2,"picture_url":"https://shop.example/bun.jpg"}`
	if a := put("bun", bun); a.status != http.StatusCreated || a.header.Get("ETag") != `"1"` {
		t.Fatalf("made: %d %v %s", a.status, a.header, a.body)
	}
	read := w.call(t, "GET", "/v1/products/bun", "", w.secret())
	var p productJSON
	read.json(t, &p)
	if p.SKU != "bun" || p.Name != "豆沙包" || p.Price != 300 || p.Stock == nil || *p.Stock != 2 || !p.Active {
		t.Fatalf("read %s", read.body)
	}
	a := w.call(t, "POST", "/v1/orders", `{"items":[{"sku":"bun","quantity":2}]}`, w.secret())
	if a.status != http.StatusCreated {
		t.Fatalf("ordered: %d %s", a.status, a.body)
	}
	sold := w.call(t, "POST", "/v1/checkouts", `{"key":"pk_demo","items":[{"sku":"bun","quantity":1}]}`, w.origin())
	if sold.status != http.StatusConflict || !strings.Contains(string(sold.body), `"out_of_stock"`) || !strings.Contains(string(sold.body), `items[0].quantity`) {
		t.Errorf("ordered what is not there: %d %s", sold.status, sold.body)
	}
	if a := put("bun", bun, `If-Match: `+read.header.Get("ETag")); a.status != http.StatusPreconditionFailed {
		t.Errorf("put over a sale: %d %s", a.status, a.body)
	}
	if a := put("bun", `{"name":"豆沙包","price":350,"active":false}`, "If-Match: *"); a.status != http.StatusOK || !strings.Contains(string(a.body), `"stock":null`) {
		t.Errorf("put: %d %s", a.status, a.body)
	}
	off := w.call(t, "GET", "/v1/products?active=false", "", w.secret())
	if !strings.Contains(string(off.body), `"sku":"bun"`) || !strings.Contains(string(off.body), `"next_cursor":""`) {
		t.Errorf("listed %s", off.body)
	}
	for _, want := range []int{http.StatusNoContent, http.StatusNotFound} {
		if a := w.call(t, "DELETE", "/v1/products/bun", "", w.secret()); a.status != want {
			t.Errorf("deleted: %d %s; want %d", a.status, a.body, want)
		}
	}
}

// A list goes on where it ended, also while products come and go.
func TestTheCatalogueIsPaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seen := make(map[string]bool)
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		var page struct {
			Data       []productJSON
			NextCursor string `json:"next_cursor"`
		}
		w.call(t, "GET", "/v1/products?limit=5&cursor="+cursor, "", w.secret()).json(t, &page)
		for _, p := range page.Data {
			if seen[p.SKU] {
				t.Errorf("%s is listed twice", p.SKU)
			}
			seen[p.SKU] = true
		}
		cursor = page.NextCursor
	}
	want, err := demoProducts()
	if err != nil || len(seen) != len(want) {
		t.Errorf("%d products are listed, %v; want %d", len(seen), err, len(want))
	}
}

// A wrong method is told which are right, and HEAD is answered as GET without the body.
func TestMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct{ method, path, allow string }{
		{"DELETE", "/v1/orders", "GET, HEAD, POST"},
		{"PATCH", "/v1/products/latte", "GET, HEAD, PUT, DELETE"},
		{"GET", "/v1/orders/x/cancel", "POST"},
		{"POST", "/openapi.json", "GET, HEAD"},
	} {
		a := w.call(t, c.method, c.path, "", w.secret())
		if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != c.allow || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %d, Allow %q, %s; want %s", c.method, c.path, a.status, a.header.Get("Allow"), a.body, c.allow)
		}
	}
	head := w.call(t, "HEAD", "/v1/orders", "", w.secret())
	if head.status != http.StatusOK || len(head.body) != 0 || head.header.Get("Content-Type") != "application/json" {
		t.Errorf("HEAD: %d %v %q", head.status, head.header, head.body)
	}
	if a := w.call(t, "POST", "/v1/orders", `amount=1`, w.secret(), "Content-Type: application/x-www-form-urlencoded"); a.status != http.StatusUnsupportedMediaType ||
		a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a form: %d %s", a.status, a.body)
	}
}
