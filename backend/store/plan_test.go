package store_test

import (
	"strings"
	"testing"
	"time"

	"saoma/backend/pay"
)

// A merchant with a million orders gets the first page of any list at once: nothing is scanned or sorted.
func TestListsOfOrdersUseAnIndex(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	since := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for want, f := range map[string]pay.OrderFilter{
		"orders_of_merchant (merchant=? AND id<?)":                  {Before: "ord_9"},
		"orders_of_merchant (merchant=? AND id>?)":                  {CreatedAfter: since},
		"orders_by_state (merchant=? AND state=?)":                  {State: pay.Pending},
		"orders_by_state (merchant=? AND state=? AND id<?)":         {State: pay.Pending, Before: "ord_9"},
		"orders_of_merchant (merchant=? AND id>? AND id<?)":         {State: pay.Pending, CreatedAfter: since, Before: "ord_9"},
		"orders_by_reference (merchant=? AND reference=?)":          {Reference: "r"},
		"orders_by_reference (merchant=? AND reference=? AND id<?)": {Reference: "r", State: pay.Paid, Before: "ord_9"},
		"orders_created (merchant=? AND created_at>?)":              {CreatedAfter: since},
	} {
		f.Merchant, f.Limit = "cafe", 20
		steps, err := s.PlanOrders(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		plan := strings.Join(steps, "; ")
		if !strings.Contains(plan, want) || strings.Contains(plan, "SCAN") || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%+v: %s; want %s", f, plan, want)
		}
	}
}

// Looking for what is due costs the same however many orders are open: the index is asked for a merchant's first row, never
// walked through.
func TestDueIsLookedUp(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	steps, err := s.PlanDue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		if strings.Contains(step, "SCAN") && step != "SCAN paying" && step != "SCAN refunding" {
			t.Errorf("%s, in\n%s", step, strings.Join(steps, "\n"))
		}
	}
}
