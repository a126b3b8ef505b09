package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// A schema is what the tests of bad input read of one in the API document.
type schema struct {
	Ref                  string `json:"$ref"`
	Type                 any
	Properties           map[string]*schema
	Required             []string
	Items                *schema
	Enum                 []any
	Pattern, Format      string
	Minimum, Maximum     *float64
	MaxLength, MaxItems  *int
	AdditionalProperties any
}

// A bad value stands at a place of a body, and the refusal must name the field.
type badValue struct {
	what, field string
	body        any
}

// wechatTexts are the fields whose text WeChat Pay gets or shows: it takes no character of four bytes in UTF-8.
var wechatTexts = []string{"description", "reference", "reason", "name"}

// breakages are all ways to break one body by its schema: every field by itself.
type breakages struct {
	schemas map[string]*schema
	all     []badValue
}

func (b *breakages) resolve(s *schema) *schema {
	if s.Ref != "" {
		return b.schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	return s
}

// object breaks the fields of an object that stands at a place of the body. put puts another object there.
func (b *breakages) object(prefix string, s *schema, good map[string]any, put func(map[string]any) any) {
	with := func(name string, v any) any {
		other := maps.Clone(good)
		other[name] = v
		return put(other)
	}
	b.add("an unknown field", prefix+"nonsense", with("nonsense", 1))
	for _, name := range s.Required {
		other := maps.Clone(good)
		delete(other, name)
		b.add("missing", prefix+name, put(other))
	}
	for name, p := range s.Properties {
		p = b.resolve(p)
		field := prefix + name
		for what, v := range wrong(name, p) {
			if v == nil && !slices.Contains(s.Required, name) {
				continue // as good as absent: many programs write their empty fields so
			}
			b.add(what, field, with(name, v))
		}
		list, _ := good[name].([]any)
		if p.Items == nil || len(list) == 0 {
			continue
		}
		if item, ok := list[0].(map[string]any); ok {
			b.object(field+"[0].", b.resolve(p.Items), item, func(m map[string]any) any { return with(name, []any{m}) })
		}
	}
}

func (b *breakages) add(what, field string, body any) {
	b.all = append(b.all, badValue{what, field, body})
}

// wrong are values that a schema does not allow.
func wrong(name string, s *schema) map[string]any {
	kinds := strings.Fields(strings.Trim(fmt.Sprint(s.Type), "[]"))
	bad := map[string]any{"a wrong type": map[string]any{"x": 1}}
	if !slices.Contains(kinds, "null") && kinds[0] != "array" && kinds[0] != "object" {
		bad["null"] = nil
	}
	switch kinds[0] {
	case "integer":
		bad["a text"], bad["a fraction"], bad["a huge number"] = "1", 1.5, 1e30
		if s.Minimum != nil {
			bad["too small"] = *s.Minimum - 1
		}
		if s.Maximum != nil {
			bad["too large"] = *s.Maximum + 1
		}
	case "string":
		bad["a number"] = 1
		if s.MaxLength != nil {
			bad["too long"] = strings.Repeat("x", *s.MaxLength+1)
		}
		if slices.Contains(wechatTexts, name) {
			bad["an emoji"], bad["a control character"] = "😀", "a\u0007"
		}
		if s.Enum != nil || s.Pattern != "" || s.Format != "" || strings.HasSuffix(name, "_url") {
			bad["not of the form"] = "javascript:alert(1)"
		}
		if name == "picture_url" {
			bad["not https"] = "http://shop.example/a.png"
		}
	case "boolean":
		bad["a text"] = "true"
	case "array":
		bad["an empty list"] = []any{}
	case "object":
		bad["a list"], bad["values that are no texts"] = []any{}, map[string]any{"k": 1}
		delete(bad, "a wrong type") // it is the one above
	}
	return bad
}

// Every body that the schema forbids in one field is refused with a problem that names the field, and nothing at all
// is written.
func TestEveryFieldIsChecked(t *testing.T) {
	t.Parallel()
	w := twoMerchants(t)
	o := w.latte(t)
	w.pays(t, o)
	w.wantStatus(t, o.ID, "paid")
	w.quiet(t)
	var doc struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct {
					Schema  *schema
					Example map[string]any
				}
			}
		}
		Components struct{ Schemas map[string]*schema }
	}
	w.call(t, "GET", "/openapi.json", "").json(t, &doc)
	db := w.books(t)
	before, tried := w.rows(t, db, ""), 0
	for path, methods := range doc.Paths {
		for method, op := range methods {
			media, ok := op.RequestBody.Content["application/json"]
			if !ok {
				continue
			}
			b := breakages{schemas: doc.Components.Schemas}
			b.object("", b.resolve(media.Schema), publishable(media.Example), func(m map[string]any) any { return m })
			for _, bad := range b.all {
				tried++
				w.wantRefused(t, strings.ToUpper(method), strings.NewReplacer("{id}", o.ID, "{sku}", "latte").Replace(path), bad)
			}
		}
	}
	if tried < 100 {
		t.Errorf("only %d bad values were tried: the schemas are read wrongly", tried)
	}
	after := w.rows(t, db, "")
	for table := range after {
		if before[table] != after[table] {
			t.Errorf("%s has changed:\n%s\nwas\n%s", table, after[table], before[table])
		}
	}
}

// publishable puts the demo's key into an example.
func publishable(body map[string]any) map[string]any {
	if _, ok := body["key"]; ok {
		body = maps.Clone(body)
		body["key"] = demoPublishableKey
	}
	return body
}

func (w *world) wantRefused(t *testing.T, method, path string, bad badValue) {
	t.Helper()
	body, err := json.Marshal(bad.body)
	if err != nil {
		t.Fatal(err)
	}
	headers := []string{w.secret()}
	if strings.HasPrefix(path, "/v1/checkouts") {
		headers = []string{w.origin()}
	}
	a := w.call(t, method, path, string(body), headers...)
	var p struct {
		Code   string
		Errors []struct{ Field string }
	}
	if a.header.Get("Content-Type") != "application/problem+json" || json.Unmarshal(a.body, &p) != nil || a.status != http.StatusUnprocessableEntity {
		t.Errorf("%s %s, %s in %s: %d %s; want a problem 422", method, path, bad.what, bad.field, a.status, a.body)
		return
	}
	named := false
	for _, e := range p.Errors {
		named = named || e.Field == bad.field || strings.HasPrefix(e.Field, bad.field+".") || strings.HasPrefix(e.Field, bad.field+"[")
	}
	if !named {
		t.Errorf("%s %s, %s in %s: names %v", method, path, bad.what, bad.field, p.Errors)
	}
}
