package dashboard

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"saoma/backend/pay"
)

const ordersPage = 50 // lines

// A ordersView is the list of orders and what it was filtered by, as it was typed.
type ordersView struct {
	Text, Status, From, To string
	Wrong                  string // about the dates
	States                 []pay.State
	Orders                 []pay.Order
	Filtered               bool
	Older, Newest          string // addresses of other pages; empty if there are none
}

func (d *Dashboard) ordersPage(q *request) error {
	v := ordersView{
		Text: clip(q.value("q"), 100), Status: q.value("status"), From: q.value("from"), To: q.value("to"), States: pay.States(),
	}
	search, ok := v.search(q.shop.ID)
	if !ok {
		v.Wrong = "Dates are written as 2026-11-23."
	}
	search.After = parseCursor(q.value("after"))
	v.Filtered = v.Text+v.Status+v.From+v.To != ""
	list, next, err := d.Cashier.SearchOrders(q.r.Context(), search)
	if err != nil {
		return err
	}
	v.Orders = list
	if next.ID != "" {
		v.Older = v.address(formatCursor(next))
	}
	if search.After.ID != "" {
		v.Newest = v.address("")
	}
	return q.render(http.StatusOK, "orders", v)
}

// search is what the form asks for. It reports whether its dates can be read; the others are taken for no wish.
func (v *ordersView) search(m pay.MerchantID) (pay.OrderSearch, bool) {
	s := pay.OrderSearch{Merchant: m, Text: v.Text, Limit: ordersPage}
	if total, err := parseYuan(v.Text); err == nil {
		s.Total = total
	}
	for _, state := range v.States {
		if v.Status == string(state) {
			s.State = state
		}
	}
	var err1, err2 error
	if v.From != "" {
		s.From, err1 = time.ParseInLocation(time.DateOnly, v.From, beijing)
	}
	if v.To != "" {
		if s.To, err2 = time.ParseInLocation(time.DateOnly, v.To, beijing); err2 == nil {
			s.To = s.To.AddDate(0, 0, 1) // the whole of that day
		}
	}
	return s, err1 == nil && err2 == nil
}

// address is the same list from another place on.
func (v *ordersView) address(after string) string {
	values := url.Values{}
	for name, value := range map[string]string{"q": v.Text, "status": v.Status, "from": v.From, "to": v.To, "after": after} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if len(values) == 0 {
		return Prefix + "orders"
	}
	return Prefix + "orders?" + values.Encode()
}

func formatCursor(c pay.OrderCursor) string {
	return strconv.FormatInt(c.At.UnixMilli(), 10) + "." + string(c.ID)
}

// parseCursor reads what formatCursor wrote. What is no cursor is the beginning.
func parseCursor(s string) pay.OrderCursor {
	at, id, _ := strings.Cut(s, ".")
	ms, err := strconv.ParseInt(at, 10, 64)
	if err != nil || id == "" {
		return pay.OrderCursor{}
	}
	return pay.OrderCursor{At: time.UnixMilli(ms), ID: pay.OrderID(id)}
}
