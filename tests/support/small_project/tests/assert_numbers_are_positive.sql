select number from {{ ref("numbers") }} where number < 0
