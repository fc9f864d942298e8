# Prices one house; waits as long as the API asks for (`Retry-After`). Needs PowerShell 7.
$request = @{ Uri = 'http://127.0.0.1:8000/api/v1/price/predict'; Method = 'Post' }
$request += @{ ContentType = 'application/json'; InFile = 'examples/request-1461.json'; SkipHttpErrorCheck = $true }
foreach ($attempt in 1..5) {
    $answer = Invoke-RestMethod @request -StatusCodeVariable status -ResponseHeadersVariable headers
    if ($status -notin 429, 503) { break }
    Start-Sleep -Seconds ([Math]::Max(1, [int]($headers['Retry-After'] | Select-Object -First 1)))
}
if ($status -ne 200) { throw ($answer | ConvertTo-Json -Depth 5) }
$answer.predictedPrice, $answer.priceInterval.low, $answer.priceInterval.high
