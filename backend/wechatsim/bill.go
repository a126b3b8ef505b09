package wechatsim

import (
	"compress/gzip"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// ticketLife is how long a download_url works.
const ticketLife = 5 * time.Minute

// A ticket is a download_url: which bill it fetches and until when.
type ticket struct {
	bill  statement
	gzip  bool
	until time.Time
}

// A statement writes one bill. It is made anew from the journal at each writing, always the same, so that a bill of a
// million rows is never in memory: once to be hashed when it is asked for, and once for each download.
type statement func(w io.Writer) (rows int64, err error)

// tradeBill makes a trade bill ready to be downloaded.
func (s *Server) tradeBill(c call) (result, error) {
	kind, known := map[string]tradeKind{"": kindAll, "ALL": kindAll, "SUCCESS": kindSuccess,
		"REFUND": kindRefund}[c.URL.Query().Get("bill_type")]
	if !known {
		return nil, wrongQuery(c, "bill_type", "只能是 ALL、SUCCESS、REFUND")
	}
	subMchID := c.URL.Query().Get("sub_mchid")
	if subMchID != "" { // without it a service provider gets the bill of all its merchants
		if err := s.checkSubMchID(subMchID, "query"); err != nil {
			return nil, err
		}
	}
	d, err := s.billDay(c)
	if err != nil {
		return nil, err
	}
	if subMchID != "" {
		d = d.of(subMchID)
	}
	spoil, err := s.tradeFault(kind, d)
	if err != nil {
		return nil, err
	}
	l := tradeLayout{kind: kind, old: spoil.old, short: spoil.short, appID: s.merchant.AppID, mchID: s.merchant.MchID}
	return s.offer(c, spoil, func(w io.Writer) (int64, error) {
		return writeTrades(w, l, spoil.rows(s.tradeRows(d, kind)))
	})
}

// flowBill makes a fund-flow bill ready to be downloaded. This merchant has money in its basic account only.
func (s *Server) flowBill(c call) (result, error) {
	account := c.URL.Query().Get("account_type")
	if issue := oneOf("", "BASIC", "OPERATION", "FEES")(account); issue != "" {
		return nil, wrongQuery(c, "account_type", "只能是 BASIC、OPERATION、FEES")
	}
	d, err := s.billDay(c)
	if err != nil {
		return nil, err
	}
	if account != "" && account != "BASIC" {
		return nil, noStatement()
	}
	d = d.of("") // the money of a service provider's merchants is in accounts that it does not see
	spoil, err := s.flowFault()
	if err != nil {
		return nil, err
	}
	return s.offer(c, spoil, func(w io.Writer) (int64, error) {
		return writeFlows(w, s.merchant.MchID, spoil.old, s.flowRows(d))
	})
}

// billDay reads bill_date and holds it against the calendar in Beijing.
func (s *Server) billDay(c call) (day, error) {
	if tar := c.URL.Query().Get("tar_type"); tar != "" && tar != "GZIP" {
		return day{}, wrongQuery(c, "tar_type", "只能是 GZIP")
	}
	start, err := time.ParseInLocation(time.DateOnly, c.URL.Query().Get("bill_date"), beijing())
	if err != nil {
		return day{}, wrongQuery(c, "bill_date", "格式应为 yyyy-MM-dd")
	}
	now := c.now.In(beijing())
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, beijing())
	switch {
	case !start.Before(today):
		return day{}, wrongQuery(c, "bill_date", "只能是今天以前的日期")
	case start.Before(today.AddDate(0, -3, 0)):
		return day{}, wrongQuery(c, "bill_date", "只能是三个月以内的日期")
	case now.Before(start.AddDate(0, 0, 1).Add(billReady * time.Hour)):
		return day{}, statementCreating()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return day{start: start, journal: s.book.account.journal}, nil
}

// offer hashes a bill and gives it a download_url.
func (s *Server) offer(c call, spoil billSpoil, bill statement) (result, error) {
	hash := sha1.New()
	rows, err := bill(hash)
	if err != nil {
		return nil, fmt.Errorf("hash a bill: %w", err)
	}
	if rows == 0 && !spoil.drop {
		return nil, noStatement()
	}
	sum := hash.Sum(nil)
	if spoil.hash {
		sum[0] ^= 1
	}
	t := ticket{bill: bill, gzip: c.URL.Query().Get("tar_type") == "GZIP", until: c.now.Add(ticketLife)}
	if spoil.expired {
		t.until = c.now.Add(-time.Second)
	}
	return map[string]string{"hash_type": "SHA1", "hash_value": hex.EncodeToString(sum),
		"download_url": s.newTicket(c, t)}, nil
}

// newTicket keeps a ticket and forgets those whose time is over.
func (s *Server) newTicket(c call, t ticket) (downloadURL string) {
	token := randomOf(alphanumeric, 43)
	s.mu.Lock()
	for old, x := range s.tickets {
		if c.now.After(x.until) {
			delete(s.tickets, old)
		}
	}
	s.tickets[token] = t
	s.mu.Unlock()
	u := url.URL{Scheme: "http", Host: c.Host, Path: "/v3/billdownload/file", RawQuery: "token=" + token}
	if c.TLS != nil {
		u.Scheme = "https"
	}
	if t.gzip {
		u.RawQuery += "&tartype=gzip"
	}
	return u.String()
}

// A download is the answer that is neither JSON nor signed: a bill as it is.
type download func(w io.Writer) error

// downloadBill sends a bill.
func (s *Server) downloadBill(c call) (result, error) {
	q := c.URL.Query()
	s.mu.Lock()
	t, known := s.tickets[q.Get("token")]
	s.mu.Unlock()
	packed := map[bool]string{true: "gzip"}[t.gzip]
	if !known || c.now.After(t.until) || q.Get("tartype") != packed {
		return nil, invalidRequest("下载地址无效或已过期，请重新申请账单")
	}
	return download(t.write), nil
}

// write sends the bill until the client has it or has gone.
func (t ticket) write(w io.Writer) error {
	if !t.gzip {
		_, err := t.bill(w)
		return err
	}
	z := gzip.NewWriter(w)
	if _, err := t.bill(z); err != nil {
		return err
	}
	return z.Close()
}

func wrongQuery(c call, name, issue string) error {
	d := detail{Field: "/" + name, Issue: issue, Location: "query"}
	if value := c.URL.Query().Get(name); value != "" {
		d.Value = value
	} else {
		d.Issue = issueMissing
	}
	return wrongParameter(numberParameter, d)
}

func noStatement() error {
	return &refusal{status: http.StatusBadRequest, number: numberNotPublished, Code: "NO_STATEMENT_EXIST",
		Message: "账单文件不存在，当日没有成功的交易或退款"}
}

func statementCreating() error {
	return &refusal{status: http.StatusBadRequest, number: numberNotPublished, Code: "STATEMENT_CREATING",
		Message: "账单生成中，请在次日10点以后获取"}
}
