package pay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Product is something a merchant sells at a price of its own. Browsers name products, never prices.
type Product struct {
	Merchant MerchantID
	SKU      string
	Name     string
	Price    Fen // for one, at least 1
}

// A Line is one line of a cart.
type Line struct {
	SKU      string
	Quantity int
}

// price turns a cart into items and their sum. What is wrong goes to f.
func price(ctx context.Context, tx CatalogTx, m MerchantID, lines []Line, f *fields) ([]Item, Fen, error) {
	var total Fen
	items := make([]Item, 0, len(lines))
	for i, l := range lines {
		name := func(part string) string { return fmt.Sprintf("items[%d].%s", i, part) }
		if l.Quantity < 1 || l.Quantity > QuantityMax {
			f.add(name("quantity"), fmt.Sprintf("must be from 1 to %d", QuantityMax))
			continue
		}
		p, err := tx.Product(ctx, m, l.SKU)
		if errors.Is(err, ErrNoRow) {
			f.add(name("sku"), "is not in the catalogue")
			continue
		}
		if err != nil {
			return nil, 0, fmt.Errorf("price the cart: %w", err)
		}
		total += p.Price * Fen(l.Quantity)
		items = append(items, Item{SKU: p.SKU, Name: p.Name, Price: p.Price, Quantity: l.Quantity})
	}
	return items, total, nil
}

// describe says what is bought, for the payer's bill: "拿铁 ×2、蛋糕", cut at DescriptionMax characters.
func describe(items []Item) string {
	parts := make([]string, len(items))
	for i, it := range items {
		parts[i] = it.Name
		if it.Quantity > 1 {
			parts[i] += fmt.Sprintf(" ×%d", it.Quantity)
		}
	}
	return truncate(strings.Join(parts, "、"), DescriptionMax)
}

// truncate cuts s to at most n characters, the last of which is then an ellipsis.
func truncate(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
