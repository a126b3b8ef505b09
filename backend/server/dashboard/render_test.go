package dashboard

import "testing"

// Pages are parsed when they are asked for, so a mistake in one must be found here.
func TestEveryPageIsParsed(t *testing.T) {
	t.Parallel()
	p, err := newPages(assets{})
	if err != nil || len(p.templates) < 20*len(languages) {
		t.Fatalf("%d pages, %v", len(p.templates), err)
	}
	for name, parsed := range p.templates {
		page, err := parsed()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, part := range []string{"frame.html", "title", "main"} {
			if page.Lookup(part) == nil {
				t.Errorf("%s has no %s", name, part)
			}
		}
	}
}
