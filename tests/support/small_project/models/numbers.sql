select number from {{ ref("seeded_numbers") }}
