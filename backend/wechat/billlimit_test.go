package wechat

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"saoma/backend/pay"
)

// A billTransport answers without a network: first with a signed statement, then with the file.
type billTransport struct {
	statement []byte
	file      func(context.Context) io.ReadCloser
}

func (b billTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response := &http.Response{StatusCode: 200, Header: http.Header{}, Request: r}
	if r.URL.Path == "/v3/billdownload/file" {
		response.Body = b.file(r.Context())
		return response, nil
	}
	sign(response.Header, keys().wechats, time.Now(), b.statement)
	response.Body = io.NopCloser(bytes.NewReader(b.statement))
	return response, nil
}

func statementOf(sum string) []byte {
	return encode(object{
		"hash_type": "SHA1", "hash_value": sum, "download_url": "https://api.mch.weixin.qq.com" + ticket,
	})
}

// A stalled body gives one byte and then nothing until its context ends.
type stalled struct {
	ctx   context.Context
	given bool
}

func (s *stalled) Read(p []byte) (int, error) {
	if !s.given {
		s.given = true
		return copy(p, "x"), nil
	}
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func (s *stalled) Close() error { return nil }

// TestDownloadLimit has a download that outlasts a call by far, and one that never ends.
func TestDownloadLimit(t *testing.T) {
	keys() // made outside the bubble
	synctest.Test(t, func(t *testing.T) {
		g := openBills(t, "https://api.mch.weixin.qq.com", billTransport{
			statement: statementOf(sha1Of(nil)),
			file:      func(ctx context.Context) io.ReadCloser { return &stalled{ctx: ctx} },
		})
		start := time.Now()
		_, err := g.TradeBill(t.Context(), cafe, billDay, nil)
		wantFailure(t, err, "trade bill download", pay.Unsure, "")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != downloadLimit {
			t.Errorf("%v after %v, want a time-out after %v", err, time.Since(start), downloadLimit)
		}
	})
}

// BenchmarkTradeBill reads the bill of a day with a million payments, as it comes from the network: packed. It
// reports rows per second, the size of the bill, and the largest heap seen, which must not grow with the rows.
func BenchmarkTradeBill(b *testing.B) {
	const rows = 1_000_000
	path, sum, size := bigBill(b, rows)
	g := openBills(b, "https://api.mch.weixin.qq.com", billTransport{
		statement: statementOf(sum),
		file: func(context.Context) io.ReadCloser {
			file, err := os.Open(path)
			if err != nil {
				b.Error(err)
			}
			return file
		},
	})
	var heap uint64
	for b.Loop() {
		n := 0
		sums, err := g.TradeBill(b.Context(), cafe, billDay, func(pay.BillRow) error {
			if n++; n%100_000 == 0 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				heap = max(heap, m.HeapAlloc)
			}
			return nil
		})
		if err != nil || n != rows || sums.Rows != rows {
			b.Fatalf("%d rows, %+v, %v", n, sums, err)
		}
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(size)/1e6, "MB-of-bill")
	b.ReportMetric(float64(heap)/1e6, "MB-of-heap")
}

// bigBill writes a packed bill to a file, and returns its hash and its size before it was packed.
func bigBill(b *testing.B, rows int) (path, sum string, size int64) {
	b.Helper()
	path = filepath.Join(b.TempDir(), "bill.gz")
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	hash := sha1.New()
	w, err := gzip.NewWriterLevel(file, gzip.BestSpeed)
	if err != nil {
		b.Fatal(err)
	}
	text := bufio.NewWriterSize(io.MultiWriter(hash, w), 1<<20)
	put := func(format string, args ...any) {
		n, _ := fmt.Fprintf(text, format+"\r\n", args...) // Flush reports a failed write
		size += int64(n)
	}
	put("\xef\xbb\xbf%s", allColumns)
	for i := range rows {
		put("`2021-01-28 %02d:%02d:%02d,`wx81be3101902f7cb2,`1601959334,`0,`,`42000009252021012%011d,`S2021012817%010d,"+
			"`ofyak5qR_1wYsC99CsWA6R%06d,`NATIVE,`SUCCESS,`OTHERS,`CNY,`%d.%02d,`0.00,`0,`0,`0.00,`0.00,`,`,`for testing,"+
			"`cipher code,`0.00000,`1.00%%,`%d.%02d,`0.00,`", i/3600%24, i/60%60, i%60, i*7919, i, i*31%999983,
			i%97, i%100, i%97, i%100)
	}
	put("%s\r\n`%d,`1.00,`0.00,`0.00,`0.00000,`1.00,`0.00", sumColumns, rows)
	if err := errors.Join(text.Flush(), w.Close(), file.Close()); err != nil {
		b.Fatal(err)
	}
	return path, hex.EncodeToString(hash.Sum(nil)), size
}
