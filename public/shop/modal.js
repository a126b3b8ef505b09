// The modal's button needs no script. This one listens, because events bubble up to the document.
document.addEventListener('paid', ({ detail }) => {
  const done = document.getElementById('done');
  const english = document.documentElement.lang === 'en';
  done.textContent = (english ? 'Paid, it will be ready in a minute. ' : '已付款，马上就好。') + `(${detail.orderId})`;
});
