// Answers a device login in headless Chromium, as a person with the link would.
//
// usage: approve.mjs LINK approve|deny ACCOUNT [CODE]    types CODE if the link does not contain it
import { chromium } from 'playwright-core'

const [link, decision, account, code] = process.argv.slice(2)
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  chromiumSandbox: false,
  args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
})
const page = await browser.newPage()
page.setDefaultTimeout(15_000)
try {
  const press = (name) => page.getByRole('button', { name }).click()

  await page.goto(link)
  if (code) {
    await page.locator('input[name=user_code]').fill(code)
    await press('Next')
  }
  if (decision === 'deny') {
    await press('Deny')
    await page.getByText('interaction was aborted').waitFor()
  } else {
    await press('Approve')
    await page.locator('input[name=login]').fill(account)
    await page.locator('input[name=password]').fill('any')
    await press('Sign-in')
    await press('Continue')
    await page.getByText('You are signed in.').waitFor()
  }
  console.log('ok')
} catch (error) {
  console.error(`${page.url()} says: ${await page.locator('body').innerText()}`)
  throw error
} finally {
  await browser.close()
}
