package dashboard

import (
	"errors"
	"net/http"
	"time"

	"saoma/backend/pay"
)

const (
	reportsLines = 31 // a month
	reportsPath  = Prefix + "reports"
)

// A reportsView is the list of days with their reports.
type reportsView struct {
	Reports    []pay.Reconciliation
	Missing    []string // days whose bill should be there and that have no report
	Yesterday  string
	From, To   string // proposed for an export
	Ledgers    []string
	Older      string // addresses of other pages; empty if there are none
	Newest     string
	ExportDays int
}

func (d *Dashboard) reportsPage(q *request) error {
	before := q.value("before")
	if _, err := time.Parse(time.DateOnly, before); err != nil {
		before = ""
	}
	list, next, err := d.Cashier.Reconciliations(q.r.Context(), q.shop.ID, before, reportsLines)
	if err != nil {
		return err
	}
	today := d.Cashier.Now().In(beijing)
	v := reportsView{Reports: list, Yesterday: today.AddDate(0, 0, -1).Format(time.DateOnly), Ledgers: ledgerNames, ExportDays: exportDays}
	v.From, v.To = today.AddDate(0, 0, 1-today.Day()).Format(time.DateOnly), today.Format(time.DateOnly)
	if next != "" {
		v.Older = listAddress(reportsPath, nil, "before", next)
	}
	if before != "" {
		v.Newest = reportsPath
	} else if v.Missing, err = d.Cashier.DueReconciliations(q.r.Context(), q.shop.ID); err != nil {
		return err
	}
	return q.render(http.StatusOK, "reports", v)
}

// A reportView is the report of one day.
type reportView struct {
	pay.Reconciliation
	Provider bool // the shop has a service provider: there is no fund-flow bill to be seen
}

func (d *Dashboard) report(q *request) (pay.Reconciliation, error) {
	return d.Cashier.Reconciliation(q.r.Context(), q.shop.ID, q.r.PathValue("day"))
}

func (d *Dashboard) reportPage(q *request) error {
	r, err := d.report(q)
	if err != nil {
		return err
	}
	return q.render(http.StatusOK, "report", reportView{r, q.shop.SubMchID != ""})
}

// reconcile makes the report of a day, once more if there is one.
func (d *Dashboard) reconcile(q *request) error {
	r, err := d.Cashier.ReconcileBy(q.r.Context(), q.value("date"), q.by())
	if errors.Is(err, pay.ErrBillNotReady) {
		return q.failed(reportsPath, "WeChat Pay has no bill of that day yet. It is there from 10 o’clock on the next day.")
	}
	if err != nil {
		return q.refused(reportsPath, err)
	}
	return q.done(reportsPath+"/"+r.Day, "The report of %s is made.", r.Day)
}
